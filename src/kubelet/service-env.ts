import type { Service } from '../api/types.js'

/**
 * Docker-link style variables of the services that a pod sees: those of its namespace (if it wants service links), and
 * always `kubernetes` of the namespace default (kubelet getServiceEnvVarMap, envvars.FromServices).
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean
): Map<string, string> {
  const visible = new Map<string, Service>()
  for (const service of services) {
    const { name, namespace: own = 'default' } = service.metadata
    const ip = service.spec?.clusterIP
    if (ip === undefined || ip === '' || ip === 'None') continue
    const isMaster = own === 'default' && name === 'kubernetes'
    if (isMaster && !visible.has(name)) visible.set(name, service)
    if (own === namespace && (enableServiceLinks || isMaster)) visible.set(name, service)
  }
  const variables = new Map<string, string>()
  for (const name of [...visible.keys()].sort()) {
    const service = visible.get(name)
    if (service) addVariables(variables, service)
  }
  return variables
}

function addVariables(variables: Map<string, string>, service: Service): void {
  const prefix = variableName(service.metadata.name)
  const ip = service.spec?.clusterIP ?? ''
  const ports = service.spec?.ports ?? []
  const first = ports[0]
  variables.set(`${prefix}_SERVICE_HOST`, ip)
  if (!first) return
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port))
  for (const { name, port } of ports) {
    if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port))
  }
  const urlOf = (protocol: string, port: number) => `${protocol.toLowerCase()}://${ip}:${String(port)}`
  variables.set(`${prefix}_PORT`, urlOf(first.protocol ?? 'TCP', first.port))
  for (const { port, protocol = 'TCP' } of ports) {
    const link = `${prefix}_PORT_${String(port)}_${protocol.toUpperCase()}`
    variables.set(link, urlOf(protocol, port))
    variables.set(`${link}_PROTO`, protocol.toLowerCase())
    variables.set(`${link}_PORT`, String(port))
    variables.set(`${link}_ADDR`, ip)
  }
}

const variableName = (name: string): string => name.replaceAll('-', '_').toUpperCase()
