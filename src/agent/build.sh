#!/bin/sh
# Builds the agent: static (musl), stripped, the same bytes each time on the same distribution.
# Usage: build.sh [output directory, default: bin beside this script] [amd64|arm64, default: this machine's]
# Needs, on Debian: gcc, musl-tools. To build for the other architecture (here arm64 on amd64):
#   dpkg --add-architecture arm64; apt-get install gcc-aarch64-linux-gnu musl-dev:arm64
# MUSL_ROOT may name another root that musl-dev was unpacked in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/bin}
case "${2:-$(uname -m)}" in
  amd64|x86_64) arch=amd64; machine=x86_64 ;;
  arm64|aarch64) arch=arm64; machine=aarch64 ;;
  *) echo "build.sh: no agent for ${2:-$(uname -m)}" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/include"
out=$(cd "$out" && pwd)
sed "s#/usr/#${MUSL_ROOT:-}/usr/#g" "${MUSL_ROOT:-}/usr/lib/$machine-linux-musl/musl-gcc.specs" > "$work/musl.specs"
# Kernel headers: musl ships none, and the system's own include directory would bring glibc's along.
for dir in linux asm-generic; do ln -s "/usr/include/$dir" "$work/include/$dir"; done
for dir in "/usr/include/$machine-linux-gnu/asm" "/usr/$machine-linux-gnu/include/asm"; do
  if [ -d "$dir" ]; then ln -s "$dir" "$work/include/asm"; break; fi
done
cd "$here"
"$machine-linux-gnu-gcc" -specs "$work/musl.specs" -std=gnu11 -Os -Wall -Wextra -Werror -static -fno-ident \
  -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wl,--gc-sections,--build-id=none \
  -ffile-prefix-map="$here"=. -isystem "$work/include" -o "$work/mk-agent" \
  main.c frame.c rtnetlink.c pause.c namespaces.c stream.c exec.c trace.c serve.c
"$machine-linux-gnu-strip" --strip-all --remove-section=.comment --remove-section=.note "$work/mk-agent"
mv "$work/mk-agent" "$out/mk-agent-$arch"
# What it was built from, and by what: the same of both gives the same bytes (test/agent/build.test.ts).
cat > "$out/mk-agent-$arch.built" <<BUILT
sources $(cat build.sh ./*.c ./*.h | sha256sum | cut -d' ' -f1)
gcc $("$machine-linux-gnu-gcc" -dumpfullversion)
musl $(sha256sum < "${MUSL_ROOT:-}/usr/lib/$machine-linux-musl/libc.a" | cut -d' ' -f1)
BUILT
