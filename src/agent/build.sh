#!/bin/sh
# Builds the agent: static (musl), stripped, the same bytes each time. Needs musl-gcc (Debian: musl-tools).
# Usage: build.sh [output directory, default: bin beside this script] [amd64|arm64, default: this machine's]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/bin}
case "${2:-$(uname -m)}" in
  amd64|x86_64) arch=amd64; cc=${CC:-musl-gcc}; strip=${STRIP:-strip} ;;
  arm64|aarch64)
    arch=arm64
    if [ "$(uname -m)" = aarch64 ]; then cc=${CC:-musl-gcc}; strip=${STRIP:-strip}
    else cc=${CC:-aarch64-linux-musl-gcc}; strip=${STRIP:-aarch64-linux-gnu-strip}; fi ;;
  *) echo "build.sh: no agent for ${2:-$(uname -m)}" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
# Kernel headers: musl ships none, and the system's own include directory would bring glibc's along.
mkdir "$work/include"
for dir in linux asm-generic; do ln -s "/usr/include/$dir" "$work/include/$dir"; done
for dir in /usr/include/asm "/usr/include/$(uname -m)-linux-gnu/asm"; do
  [ "$arch" = arm64 ] && [ "$(uname -m)" != aarch64 ] && dir=/usr/aarch64-linux-gnu/include/asm
  if [ -d "$dir" ]; then ln -s "$dir" "$work/include/asm"; break; fi
done
cd "$here"
"$cc" -std=gnu11 -Os -Wall -Wextra -Werror -static -fno-ident -fno-asynchronous-unwind-tables \
  -ffile-prefix-map="$here"=. -ffunction-sections -fdata-sections -Wl,--gc-sections,--build-id=none \
  -isystem "$work/include" -o "$work/mk-agent" main.c frame.c rtnetlink.c pause.c namespaces.c stream.c exec.c trace.c serve.c
"$strip" --strip-all --remove-section=.comment --remove-section=.note "$work/mk-agent"
mv "$work/mk-agent" "$out/mk-agent-$arch"
