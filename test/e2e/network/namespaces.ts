import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

// perl-base is in every Debian; Node itself has no netlink sockets.
const sendNetlink = String.raw`
  use Socket; socket(my $s, 16, 3, 12) or die "socket: $!"; setsockopt($s, 1, 32, pack("i", 1 << 25));
  local $/; my $batch = <STDIN>; defined(send($s, $batch, 0, pack("SSLL", 16, 0, 0, 0))) or die "send: $!";
  while (defined recv($s, my $answer, 65536, 64)) {
    while (length($answer) >= 20) {
      my ($length, $type, $flags, $sequence, $pid, $error) = unpack("LSSLLl", $answer);
      print "message $sequence: error ", -$error, "\n" if $type == 2 && $error;
      $answer = substr($answer, ($length + 3) & ~3);
    }
  }`

/** Network namespaces joined by a bridge that is in a namespace of its own: nothing of it is seen by the host. */
export interface Namespaces {
  /** Sends one netfilter netlink datagram in the namespace; throws with the kernel's errors. */
  apply(name: string, batch: Buffer): void
  /** Runs a command in the namespace and returns what it prints. */
  run(name: string, command: readonly string[]): string
  /** Runs an ES module text with Node in the namespace and returns what it prints. */
  script(name: string, source: string): string
  /** Starts an ES module text with Node; resolves once it has printed a line. It ends with destroy(). */
  serve(name: string, source: string): Promise<void>
  destroy(): Promise<void>
}

export function createNamespaces(addresses: Readonly<Record<string, string>>): Namespaces {
  const full = (name: string) => `mknet${String(process.pid)}${name}`
  const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' })
  const inside = (name: string, ...args: string[]) => ip('-n', full(name), ...args)
  const children: ChildProcess[] = []

  ip('netns', 'add', full('sw'))
  inside('sw', 'link', 'add', 'br0', 'type', 'bridge')
  inside('sw', 'addr', 'add', '10.88.0.1/16', 'dev', 'br0')
  inside('sw', 'link', 'set', 'br0', 'up')
  inside('sw', 'link', 'set', 'lo', 'up')
  for (const [name, address] of Object.entries(addresses)) {
    ip('netns', 'add', full(name))
    inside('sw', 'link', 'add', `v${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', full(name))
    inside('sw', 'link', 'set', `v${name}`, 'master', 'br0', 'up')
    inside(name, 'addr', 'add', `${address}/16`, 'dev', 'eth0')
    inside(name, 'link', 'set', 'eth0', 'up')
    inside(name, 'link', 'set', 'lo', 'up')
    inside(name, 'route', 'add', 'default', 'via', '10.88.0.1')
  }

  const node = (source: string) => [process.execPath, '--input-type=module', '-e', source]
  const run = (name: string, command: readonly string[], input?: Buffer) =>
    execFileSync('ip', ['netns', 'exec', full(name), ...command], { encoding: 'utf8', input })

  return {
    apply(name, batch) {
      const errors = run(name, ['perl', '-e', sendNetlink], batch)
      if (errors) throw new Error(errors)
    },
    run: (name, command) => run(name, command),
    script: (name, source) => run(name, node(source)),
    async serve(name, source) {
      const child = spawn('ip', ['netns', 'exec', full(name), ...node(source)], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      children.push(child)
      await once(child.stdout, 'data')
    },
    async destroy() {
      for (const child of children) {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }
      for (const name of [...Object.keys(addresses), 'sw']) ip('netns', 'del', full(name))
    }
  }
}
