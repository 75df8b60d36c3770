import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import type { Container, Pod } from '../api/types.js'
import type { PodExecOptions, PodLogOptions, PodStreams } from '../apiserver/streams/backend.js'
import type { Clock } from '../base/clock.js'
import { isMkError, messageOf } from '../base/errors.js'
import { StatusError, statusErrors } from '../base/status.js'
import type { ContainerState, LogStream, Runtime } from '../runtime/runtime.js'
import type { PodWorker } from './pod-worker.js'
import { isTerminalPhase, latestOf, previousOf } from './pod-view.js'
import { reportedStatus } from './restart.js'

export interface PodStreamsOptions {
  runtime: Runtime
  clock: Clock
  workerOf: (pod: Pod) => Pick<PodWorker, 'containers' | 'sandbox'> | undefined
}

/** Logs, exec, attach and port-forward of the node's pods, with the API server's and the kubelet's errors. */
export function createPodStreams({ runtime, clock, workerOf }: PodStreamsOptions): PodStreams {
  const containersOf = (pod: Pod) => workerOf(pod)?.containers ?? []
  const running = (pod: Pod, name: string | undefined, verb: string): ContainerState => {
    if (isTerminalPhase(pod.status?.phase)) {
      const phase = pod.status?.phase ?? ''
      throw statusErrors.badRequest(
        `cannot ${verb} a container in a completed pod; current phase is ${phase}`
      )
    }
    const container = chooseContainer(pod, name)
    const latest = latestOf(containersOf(pod), container.name)
    if (latest?.state !== 'running') throw containerNotFound(container.name)
    return latest
  }
  return {
    logs: (pod, options) => openLogs(runtime, pod, containersOf(pod), options, clock),
    exec: (pod, options: PodExecOptions) => {
      const { command, stdin, tty } = options
      return guarded(() =>
        runtime.exec(running(pod, options.container, 'exec into').id, { command, stdin, tty })
      )
    },
    attach: (pod, options) =>
      guarded(() => {
        const { id, containerName } = running(pod, options.container, 'attach to')
        const declared = allContainers(pod).find(({ name }) => name === containerName)
        const tty = options.tty && declared?.tty === true
        return runtime.attach(id, { stdin: options.stdin && declared?.stdin === true, tty })
      }),
    portForward: (pod, port): Promise<Duplex> =>
      guarded(() => {
        const sandbox = workerOf(pod)?.sandbox
        const phase = pod.status?.phase ?? 'Pending'
        if (phase !== 'Running' || !sandbox) {
          throw statusErrors.badRequest(
            `unable to forward port because pod is not running. Current status=${phase}`
          )
        }
        return runtime.dial(sandbox.id, port)
      })
  }
}

const allContainers = ({ spec }: Pod): Container[] => [...spec.containers, ...(spec.initContainers ?? [])]

/** The container asked for; none is needed when there is only one (registry pod.LogLocation, streamLocation). */
function chooseContainer(pod: Pod, name: string | undefined): Container {
  const { containers, initContainers = [] } = pod.spec
  if (name) {
    const found = allContainers(pod).find((container) => container.name === name)
    if (!found) throw statusErrors.badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`)
    return found
  }
  const [only] = containers
  if (only && containers.length === 1) return only
  const names = (list: readonly Container[]) => `[${list.map((container) => container.name).join(' ')}]`
  const init = initContainers.length > 0 ? ` or one of the init containers: ${names(initContainers)}` : ''
  throw statusErrors.badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: ${names(containers)}${init}`
  )
}

const containerNotFound = (name: string) =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'NotFound',
    message: `container not found ("${name}")`,
    code: 404
  })

/** Failures of the engine become API errors. */
async function guarded<R>(action: () => Promise<R>): Promise<R> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof StatusError) throw error
    if (isMkError(error, 'MK_CONTAINER_NOT_FOUND'))
      throw statusErrors.badRequest('the container has ended meanwhile')
    throw statusErrors.internal(messageOf(error))
  }
}

async function openLogs(
  runtime: Runtime,
  pod: Pod,
  containers: readonly ContainerState[],
  options: PodLogOptions,
  clock: Clock
): Promise<LogStream> {
  const { name } = chooseContainer(pod, options.container)
  const source = options.previous ? previousOf(containers, name) : logged(containers, name)
  if (!source) throw noLogs(pod, name, options.previous)
  const since = sinceOf(options, clock.now())
  const stream = await guarded(() =>
    runtime.logs(source.id, {
      follow: options.follow,
      timestamps: options.timestamps,
      ...(since ? { since } : {}),
      ...(options.tailLines === undefined ? {} : { tailLines: options.tailLines })
    })
  )
  return options.limitBytes === undefined ? stream : limited(stream, options.limitBytes)
}

/** A container that has not started again yet still shows what its last run said. */
function logged(containers: readonly ContainerState[], name: string): ContainerState | undefined {
  const latest = latestOf(containers, name)
  return latest?.state === 'created' ? (previousOf(containers, name) ?? undefined) : latest
}

function noLogs(pod: Pod, name: string, isPrevious: boolean): StatusError {
  if (isPrevious) {
    return statusErrors.badRequest(
      `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`
    )
  }
  const waiting = reportedStatus(pod, name)?.state?.waiting
  const reason = waiting?.reason ?? 'ContainerCreating'
  const start = `container "${name}" in pod "${pod.metadata.name}" is waiting to start`
  const image = /^(ErrImage|ImagePull|InvalidImageName)/.test(reason)
  const text = image ? 'trying and failing to pull image' : reason
  return statusErrors.badRequest(`${start}: ${text}`)
}

function sinceOf({ sinceSeconds, sinceTime }: PodLogOptions, now: Date): Date | undefined {
  if (sinceTime !== undefined) return new Date(sinceTime)
  return sinceSeconds === undefined ? undefined : new Date(now.getTime() - sinceSeconds * 1000)
}

/** Cuts the stream off after so many bytes. */
function limited(stream: LogStream, limitBytes: number): LogStream {
  async function* head() {
    let left = limitBytes
    for await (const chunk of stream.output as AsyncIterable<Buffer>) {
      yield chunk.subarray(0, left)
      left -= chunk.length
      if (left <= 0) break
    }
    stream.close()
  }
  return {
    output: Readable.from(head(), { objectMode: false }),
    close: () => {
      stream.close()
    }
  }
}
