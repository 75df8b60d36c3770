import type { Container, Probe } from '../../api/types.js'
import type { Runtime } from '../../runtime/runtime.js'
import { portOf } from './container-port.js'
import { probeGrpc } from './grpc.js'
import { probeHttp } from './http.js'
import type { ProbeResult } from './probe-result.js'
import { probeTcp } from './tcp.js'

export interface ProbeTarget {
  container: Container
  containerId: string
  podIp: string
}

/** Runs a probe once (kubelet prober.runProbe). Never rejects. */
export async function runProbe(
  probe: Probe,
  { container, containerId, podIp }: ProbeTarget,
  runtime: Pick<Runtime, 'execSync'>
): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  try {
    if (probe.exec) return await probeExec(runtime, containerId, probe.exec.command ?? [], timeoutMs)
    if (probe.httpGet) {
      const { host, port, path = '/', scheme = 'HTTP', httpHeaders = [] } = probe.httpGet
      return await probeHttp({
        host: host ?? podIp,
        port: portOf(port, container),
        path,
        isTls: scheme.toUpperCase() === 'HTTPS',
        headers: httpHeaders,
        userAgent: 'kube-probe/1.36',
        timeoutMs
      })
    }
    if (probe.tcpSocket) {
      const { host, port } = probe.tcpSocket
      return await probeTcp({ host: host ?? podIp, port: portOf(port, container), timeoutMs })
    }
    if (probe.grpc)
      return await probeGrpc({
        host: podIp,
        port: probe.grpc.port,
        service: probe.grpc.service ?? '',
        timeoutMs
      })
    return { result: 'unknown', output: 'missing probe handler' }
  } catch (error) {
    return { result: 'unknown', output: error instanceof Error ? error.message : String(error) }
  }
}

async function probeExec(
  runtime: Pick<Runtime, 'execSync'>,
  id: string,
  command: readonly string[],
  timeoutMs: number
): Promise<ProbeResult> {
  const { exitCode, output, timedOut } = await runtime.execSync(id, { command, timeoutMs })
  if (timedOut) {
    const text = `command timed out: "${command.join(' ')}" timed out after ${String(timeoutMs / 1000)}s`
    return { result: 'failure', output: text }
  }
  return { result: exitCode === 0 ? 'success' : 'failure', output }
}
