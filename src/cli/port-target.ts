import type { Pod, Service } from '../api/types.js'
import { MkError } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'

/**
 * The port in the pod that the user means: for a service, its port (number or name) leads to the target port, which
 * may be a name that each pod resolves by itself; for a pod, a number or the name of a container port.
 */
export function targetPort(object: KubeObject, pod: Pod, remote: string): number {
  return object.kind === 'Service' ? servicePort(object as Service, pod, remote) : podPort(pod, remote)
}

function servicePort(service: Service, pod: Pod, remote: string): number {
  const ports = service.spec?.ports ?? []
  const { name } = service.metadata
  const port = ports.find((p) => String(p.port) === remote || p.name === remote)
  if (!port) {
    const all = ports.map((p) => (p.name ? `${p.name} (${p.port})` : String(p.port))).join(', ')
    throw new MkError('MK_INPUT', `Service ${name} does not have a service port ${remote}`, {
      hint: all ? `it has: ${all}` : 'it has no ports'
    })
  }
  if ((port.protocol ?? 'TCP') !== 'TCP') {
    throw new MkError('MK_UNSUPPORTED', `UDP protocol is not supported for ${remote}`, {
      hint: 'port-forward carries TCP only'
    })
  }
  const headless = service.spec?.clusterIP === 'None'
  return podPort(pod, String(headless ? port.port : (port.targetPort ?? port.port)))
}

function podPort(pod: Pod, remote: string): number {
  if (/^\d+$/.test(remote)) return Number(remote)
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  const port = ports.find((p) => p.name === remote)
  if (port) return port.containerPort
  throw new MkError('MK_INPUT', `Pod '${pod.metadata.name}' does not have a named port '${remote}'`)
}
