import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  PodSpec,
  Probe,
  Volume
} from '../../api/types.js'
import { mapLines, type Writer } from './writer.js'

/** The containers of a pod or of a template, with their status where there is one. */
export function writeContainers(
  containers: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
  writer: Writer,
  title = 'Containers'
): void {
  if (!containers?.length) return
  writer.heading(title)
  for (const container of containers) {
    writer.heading(container.name, 1)
    writeContainer(container, writer)
    const status = statuses?.find((s) => s.name === container.name)
    if (status) writeStatus(status, writer)
  }
}

/** The volumes of a pod or of a template. */
export function writeVolumes(spec: PodSpec | undefined, writer: Writer): void {
  if (!spec?.volumes?.length) return
  writer.heading('Volumes')
  for (const volume of spec.volumes) writer.field(volume.name, volumeText(volume), 1)
}

function writeContainer(container: Container, writer: Writer): void {
  const { image, command, args, ports = [], resources, env = [], envFrom = [], volumeMounts = [] } = container
  writer.field('Image', image, 2)
  const portTexts = ports.map((p) => `${p.name ? `${p.name} ` : ''}${p.containerPort}/${p.protocol ?? 'TCP'}`)
  if (ports.length > 0) writer.field('Ports', portTexts.join(', '), 2)
  if (command) writer.field('Command', command.join(' '), 2)
  if (args) writer.field('Args', args.join(' '), 2)
  if (resources?.limits) writer.field('Limits', mapLines(stringMap(resources.limits), ': ').join(', '), 2)
  if (resources?.requests)
    writer.field('Requests', mapLines(stringMap(resources.requests), ': ').join(', '), 2)
  for (const kind of ['liveness', 'readiness', 'startup'] as const) {
    const probe = container[`${kind}Probe`]
    if (probe) writer.field(`${kind.charAt(0).toUpperCase()}${kind.slice(1)}`, probeText(probe), 2)
  }
  if (envFrom.length > 0) {
    const sources = envFrom.map((from) =>
      from.configMapRef ? `ConfigMap ${from.configMapRef.name ?? ''}` : `Secret ${from.secretRef?.name ?? ''}`
    )
    writer.field('Environment from', sources, 2)
  }
  if (env.length > 0) writer.field('Environment', env.map(envText), 2)
  const mounts = volumeMounts.map(
    (m) => `${m.mountPath} from ${m.name}${m.subPath ? ` (${m.subPath})` : ''} (${m.readOnly ? 'ro' : 'rw'})`
  )
  if (mounts.length > 0) writer.field('Mounts', mounts, 2)
}

function writeStatus(status: ContainerStatus, writer: Writer): void {
  writer.field('State', stateText(status.state), 2)
  const last = status.lastState
  if (last?.terminated) writer.field('Last State', stateText(last), 2)
  writer.field('Ready', status.ready ? 'True' : 'False', 2).field('Restart Count', status.restartCount, 2)
  if (status.containerID) writer.field('Container ID', status.containerID, 2)
}

function stateText(state: ContainerState | undefined): string[] {
  if (state?.running) return [`Running since ${state.running.startedAt ?? ''}`]
  if (state?.terminated) {
    const { reason = '', exitCode, finishedAt = '', message } = state.terminated
    return [
      `Terminated: ${reason}, exit code ${exitCode}, ${finishedAt}`,
      ...(message ? [message.trim()] : [])
    ]
  }
  const { reason = 'not started', message } = state?.waiting ?? {}
  return [`Waiting: ${reason}`, ...(message ? [message.trim()] : [])]
}

function probeText(probe: Probe): string {
  const {
    httpGet,
    tcpSocket,
    exec,
    grpc,
    initialDelaySeconds = 0,
    timeoutSeconds = 1,
    periodSeconds = 10
  } = probe
  const { successThreshold = 1, failureThreshold = 3 } = probe
  const scheme = (httpGet?.scheme ?? 'HTTP').toLowerCase()
  const action = httpGet
    ? `http-get ${scheme}://${httpGet.host ?? ''}:${String(httpGet.port)}${httpGet.path ?? '/'}`
    : tcpSocket
      ? `tcp-socket ${tcpSocket.host ?? ''}:${String(tcpSocket.port)}`
      : exec
        ? `exec [${(exec.command ?? []).join(' ')}]`
        : `grpc :${grpc?.port ?? ''}`
  return (
    `${action} delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s ` +
    `#success=${successThreshold} #failure=${failureThreshold}`
  )
}

function envText({ name, value, valueFrom }: EnvVar): string {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom ?? {}
  if (secretKeyRef)
    return `${name}: <set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name ?? ''}'>`
  if (configMapKeyRef) {
    return `${name}: <set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name ?? ''}'>`
  }
  if (fieldRef) return `${name}: (${fieldRef.apiVersion ?? 'v1'}:${fieldRef.fieldPath})`
  if (resourceFieldRef) return `${name}: (${resourceFieldRef.resource})`
  return `${name}: ${value ?? ''}`
}

function volumeText(volume: Volume): string {
  const { name: _name, ...sources } = volume
  const [[type, source] = ['emptyDir', {}]] = Object.entries(sources)
  const { configMap, secret, persistentVolumeClaim, hostPath } = volume
  const target = configMap?.name ?? secret?.secretName ?? persistentVolumeClaim?.claimName ?? hostPath?.path
  const details = target ?? JSON.stringify(source)
  return details === '{}' ? type : `${type} ${details}`
}

const stringMap = (map: object): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]))
