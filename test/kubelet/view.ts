import type { Pod, PodSpec } from '../../src/api/types.js'
import { specHash } from '../../src/kubelet/container-hash.js'
import type { PodView } from '../../src/kubelet/pod-view.js'
import { defaultTiming } from '../../src/kubelet/pod-view.js'
import type { ContainerState, Sandbox } from '../../src/runtime/runtime.js'
import { container, podObject } from './fixture.js'

export const now = new Date('2026-01-01T00:10:00Z')
export const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)

const labels = { podNamespace: 'default', podName: 'web', podUid: 'uid-1', node: 'node-1' }

export const sandbox = (fields: Partial<Sandbox> = {}): Sandbox => ({
  ...labels,
  id: 'sandbox-1',
  state: 'ready',
  ip: '10.0.0.9',
  createdAt: ago(100),
  ...fields
})

/** A running container of the pod; `exit` makes it one that has ended. */
export function state(
  name: string,
  fields: Partial<ContainerState> & { exit?: number } = {}
): ContainerState {
  const { exit, ...rest } = fields
  const ended = exit === undefined ? {} : { state: 'exited' as const, exitCode: exit, finishedAt: ago(1) }
  return {
    ...labels,
    id: `${name}-${String(fields.attempt ?? 0)}`,
    sandboxId: 'sandbox-1',
    containerName: name,
    kind: 'app',
    attempt: 0,
    specHash: specHash(container(name)),
    annotations: {},
    state: 'running',
    image: 'app:1',
    imageId: 'sha256:1',
    createdAt: ago(60),
    startedAt: ago(60),
    ...ended,
    ...rest
  }
}

/** A pod whose volumes, images and sandbox are there. */
export function view(
  spec: Partial<PodSpec> = {},
  fields: Partial<PodView> & { podFields?: Partial<Pod> } = {}
): PodView {
  const { podFields, ...rest } = fields
  const pod = { ...podObject('web', spec), ...podFields }
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }) => name)
  return {
    pod,
    isGone: false,
    now,
    sandboxes: [sandbox()],
    containers: [],
    probes: new Map(),
    failures: new Map(),
    imagesReady: new Set(names),
    areVolumesReady: true,
    areVolumesStale: false,
    busy: new Map(),
    isFinalStatusReported: false,
    isCleanedUp: false,
    timing: defaultTiming,
    ...rest
  }
}
