import type { Container, Pod } from '../api/types.js'
import type { ContainerSpec, ImageState, Mount, Sandbox } from '../runtime/runtime.js'
import { specHash } from './container-hash.js'
import { expand } from './expansion.js'
import { containerAnnotations } from './pod-view.js'
import { containerResources, oomScoreAdj } from './resources.js'
import { securitySettings } from './security.js'

export interface ContainerSpecInput {
  pod: Pod
  nodeName: string
  container: Container
  kind: 'init' | 'app'
  attempt: number
  backoffMs: number
  sandbox: Sandbox
  image: ImageState
  env: ReadonlyMap<string, string>
  mounts: readonly Mount[]
  /** Host path of the file mounted at terminationMessagePath. */
  terminationMessageFile: string
  nodeMemoryBytes: number
}

/** Everything that the engine needs to make a container. @throws ContainerConfigError (runAsNonRoot, profiles) */
export function containerSpec(input: ContainerSpecInput): ContainerSpec {
  const { pod, container, image, env } = input
  const { command, args, workingDir, lifecycle } = container
  const expanded = (list: readonly string[]) => list.map((text) => expand(text, (name) => env.get(name)))
  return {
    podNamespace: pod.metadata.namespace ?? 'default',
    podName: pod.metadata.name,
    podUid: pod.metadata.uid,
    node: input.nodeName,
    sandboxId: input.sandbox.id,
    containerName: container.name,
    kind: input.kind,
    attempt: input.attempt,
    specHash: specHash(container),
    annotations: {
      ...runtimeAnnotations(pod),
      [containerAnnotations.backoffMs]: String(input.backoffMs),
      [containerAnnotations.terminationMessagePath]: input.terminationMessageFile,
      [containerAnnotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File'
    },
    image: container.image ?? '',
    ...(command?.length ? { command: expanded(command) } : {}),
    ...(args?.length ? { args: expanded(args) } : {}),
    env: [...env].map(([name, value]) => ({ name, value })),
    ...(workingDir ? { workingDir } : {}),
    mounts: input.mounts,
    resources: containerResources(container),
    oomScoreAdj: oomScoreAdj(pod, container, input.nodeMemoryBytes),
    tty: container.tty === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    ...(lifecycle?.stopSignal ? { stopSignal: lifecycle.stopSignal } : {}),
    ...securitySettings(pod, container, image)
  }
}

/** Annotations of the pod that speak to the runtime itself (the simulated one). */
const runtimeAnnotations = ({ metadata }: Pod): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([name]) => name.startsWith('simulated.mk.dev/'))
  )
