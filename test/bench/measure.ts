import { readFileSync } from 'node:fs'

/** One figure of the benchmark. Peers are measured in the same rounds, in turn, so that the ratio survives drift. */
export interface Figure {
  name: string
  unit: string
  /** Medians over the rounds. */
  mk: number
  peer?: { name: string; value: number; ratio: number }
  rounds: number
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

export async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await action()
  return performance.now() - start
}

/** Runs mk and its peers in turn, round by round; the ratio is the median of the rounds' ratios. */
export async function paired(o: {
  name: string
  rounds: number
  mk: () => Promise<number>
  peers: Record<string, () => Promise<number>>
}): Promise<Figure[]> {
  const own: number[] = []
  const others = new Map<string, number[]>()
  for (let round = 0; round < o.rounds; round++) {
    own.push(await o.mk())
    for (const [name, peer] of Object.entries(o.peers))
      others.set(name, [...(others.get(name) ?? []), await peer()])
  }
  if (others.size === 0) return [{ name: o.name, unit: 'ms', mk: median(own), rounds: o.rounds }]
  return [...others].map(([name, values]) => ({
    name: o.name,
    unit: 'ms',
    mk: median(own),
    rounds: o.rounds,
    peer: {
      name,
      value: median(values),
      ratio: median(values.map((value, round) => (own[round] ?? NaN) / value))
    }
  }))
}

/** CPU seconds that the process has used, and its resident memory in MB (Linux). */
export function processUsage(pid: number): { cpuSeconds: number; residentMb: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticksPerSecond = 100
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    residentMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024
  }
}

export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map((f) => [
    f.name,
    `${format(f.mk)} ${f.unit}`,
    f.peer?.name ?? '',
    f.peer ? `${format(f.peer.value)} ${f.unit}` : '',
    f.peer ? f.peer.ratio.toFixed(2) : '',
    String(f.rounds)
  ])
  const table = [['what', 'mk', 'peer', 'peer', 'mk / peer', 'rounds'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
    )
}

const format = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
