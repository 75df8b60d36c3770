import type { Container, Pod } from '../api/types.js'
import { messageOf } from '../base/errors.js'
import type { ImageState, Sandbox } from '../runtime/runtime.js'
import type { MountedVolume } from '../volumes/volume.js'
import { ContainerConfigError } from './container-config-error.js'
import { containerSpec } from './container-spec.js'
import { containerEnv } from './env.js'
import { runHook } from './hooks.js'
import { containerMounts } from './mounts.js'
import type { NodeContext } from './node-context.js'
import type { PodPaths } from './pod-directory.js'
import type { EmitEvent } from './pod-events.js'
import type { PodRecords } from './pod-records.js'
import { makeTerminationFile } from './termination-message.js'
import { unsupportedFeature } from './unsupported.js'

/** Why a container did not start: reason and message of its waiting state. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly reason: 'CreateContainerConfigError' | 'CreateContainerError' | 'RunContainerError'
  constructor(reason: StartError['reason'], message: string, cause: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

export interface StartRequest {
  pod: Pod
  container: Container
  kind: 'init' | 'app'
  attempt: number
  backoffMs: number
  sandbox: Sandbox
  podIp: string
  image: ImageState
  volumes: ReadonlyMap<string, MountedVolume>
  paths: PodPaths
  records: PodRecords
  event: EmitEvent
  signal: AbortSignal
  /** The container is in the records and may show in the status. */
  onProgress: () => void
}

// A postStart hook that hangs ends with its container, so this only bounds one call.
const hookTimeoutMs = 24 * 3600_000

/**
 * Makes and starts one container, then runs its postStart hook; a hook that fails kills it (kubelet startContainer).
 * @throws StartError
 */
export async function startContainer(context: NodeContext, request: StartRequest): Promise<void> {
  const { container, records, event, signal } = request
  const { name } = container
  const spec = await specOf(context, request)
  const id = await context.runtime.createContainer(spec).catch((error: unknown) => {
    event('Warning', 'Failed', `Error: ${messageOf(error)}`, name)
    throw new StartError('CreateContainerError', messageOf(error), error)
  })
  event('Normal', 'Created', `Created container: ${name}`, name)
  if (signal.aborted) {
    await context.runtime.removeContainer(id)
    return
  }
  try {
    await context.runtime.startContainer(id)
  } catch (error) {
    await recordFailedStart(context, records, id, messageOf(error))
    event('Warning', 'Failed', `Error: ${messageOf(error)}`, name)
    throw new StartError('RunContainerError', messageOf(error), error)
  }
  event('Normal', 'Started', `Started container ${name}`, name)
  await records.refresh(id)
  request.onProgress()
  await postStart(context, request, id)
}

async function specOf(context: NodeContext, request: StartRequest) {
  const { pod, container, attempt, paths, podIp, volumes } = request
  const { name } = container
  try {
    const feature = unsupportedFeature(pod)
    if (feature !== undefined) throw new ContainerConfigError(feature)
    const facts = context.facts(podIp === '' ? [] : [podIp])
    const services = context.services()
    const env = await containerEnv({ pod, container, sources: context.sources, services, facts })
    const terminationMessageFile = paths.terminationMessage(name, attempt)
    const [mounts] = await Promise.all([
      containerMounts({
        container,
        volumes,
        env,
        hostsFile: paths.hosts,
        terminationMessageFile
      }),
      makeTerminationFile(terminationMessageFile)
    ])
    return containerSpec({
      ...request,
      nodeName: context.nodeName,
      env,
      mounts,
      terminationMessageFile,
      nodeMemoryBytes: context.memoryBytes()
    })
  } catch (error) {
    request.event('Warning', 'Failed', `Error: ${messageOf(error)}`, name)
    throw new StartError('CreateContainerConfigError', messageOf(error), error)
  }
}

/** A container that never ran ends with 128 (StartError), whatever the engine made of it. */
async function recordFailedStart(
  context: NodeContext,
  records: PodRecords,
  id: string,
  message: string
): Promise<void> {
  const state = await records.refresh(id)
  if (!state || state.state === 'running') return
  const { startedAt: _never, ...rest } = state
  await records.setContainer({
    ...rest,
    state: 'exited',
    exitCode: 128,
    error: message,
    finishedAt: context.clock.now()
  })
}

async function postStart(context: NodeContext, request: StartRequest, id: string): Promise<void> {
  const { pod, container, podIp, records, event, signal } = request
  const handler = container.lifecycle?.postStart
  if (!handler || records.containers.get(id)?.state !== 'running') return
  const { runtime, clock } = context
  try {
    await runHook(handler, {
      container,
      containerId: id,
      podIp,
      runtime,
      clock,
      timeoutMs: hookTimeoutMs,
      signal
    })
  } catch (error) {
    event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${messageOf(error)}`, container.name)
    event('Normal', 'Killing', 'FailedPostStartHook', container.name)
    await runtime.stopContainer(id, { graceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30 })
    await records.refresh(id)
  }
}
