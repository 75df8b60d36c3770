import type { Container, LifecycleHandler } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import type { Runtime } from '../runtime/runtime.js'
import { portOf } from './probes/container-port.js'
import { probeHttp } from './probes/http.js'
import { probeTcp } from './probes/tcp.js'

export interface HookTarget {
  container: Container
  containerId: string
  podIp: string
  runtime: Pick<Runtime, 'execSync'>
  clock: Clock
  timeoutMs: number
  /** Gives up waiting (the grace period was cut short). */
  signal: AbortSignal
}

/** Runs a postStart or preStop handler to its end (kubelet lifecycle.HandlerRunner). @throws Error when it fails */
export async function runHook(handler: LifecycleHandler, target: HookTarget): Promise<void> {
  const { container, containerId, podIp, runtime, clock, timeoutMs, signal } = target
  if (handler.exec) {
    const command = handler.exec.command ?? []
    const { exitCode, output, timedOut } = await runtime.execSync(containerId, { command, timeoutMs })
    const what = `Exec lifecycle hook (${command.join(' ')}) for Container "${container.name}"`
    if (timedOut) throw new Error(`${what} timed out`)
    if (exitCode !== 0)
      throw new Error(`${what} failed - error: exit code ${String(exitCode)}, message: "${output}"`)
  } else if (handler.httpGet) {
    const { host, port, path = '/', scheme = 'HTTP', httpHeaders = [] } = handler.httpGet
    const result = await probeHttp({
      host: host ?? podIp,
      port: portOf(port, container),
      path,
      isTls: scheme.toUpperCase() === 'HTTPS',
      headers: httpHeaders,
      userAgent: 'kube-lifecycle/1.36',
      timeoutMs
    })
    if (result.result !== 'success') throw new Error(result.output)
  } else if (handler.tcpSocket) {
    const { host, port } = handler.tcpSocket
    const result = await probeTcp({ host: host ?? podIp, port: portOf(port, container), timeoutMs })
    if (result.result !== 'success') throw new Error(result.output)
  } else if (handler.sleep) {
    await sleep(clock, Math.min(handler.sleep.seconds * 1000, timeoutMs), signal)
  } else {
    throw new Error('invalid handler: it has no action')
  }
}

function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve)
    signal.addEventListener('abort', () => {
      cancel()
      resolve()
    })
  })
}
