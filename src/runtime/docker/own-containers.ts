import type Docker from 'dockerode'
import { removeContainer } from './container-lifecycle.js'
import type { Engine } from './engine.js'
import { label, parseSandboxName } from './labels.js'
import type { Sandboxes } from './sandboxes.js'

export const isSandbox = (answer: Docker.ContainerInfo): boolean =>
  ['sandbox', 'warm'].includes(answer.Labels[label.kind] ?? '')

export function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

export async function listOwn(engine: Engine, cluster: string): Promise<Docker.ContainerInfo[]> {
  const filters = { label: [`${label.cluster}=${cluster}`] }
  return await engine.call('list the containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal })
  )
}

/** Takes over the sandboxes of pods; what was never handed out or never started is of no use to anybody. */
export async function removeLeftovers(engine: Engine, cluster: string, sandboxes: Sandboxes): Promise<void> {
  const all = (await listOwn(engine, cluster)).filter(isSandbox)
  const useless = (answer: Docker.ContainerInfo) =>
    answer.State === 'created' ||
    (answer.Labels[label.kind] === 'warm' && !parseSandboxName(answer.Names[0] ?? ''))
  const [gone, kept] = partition(all, useless)
  await sandboxes.adopt(kept)
  await Promise.all(gone.map((answer) => removeContainer(engine, answer.Id)))
}
