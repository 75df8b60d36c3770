import type { HostAlias, Pod } from '../api/types.js'

/** /etc/hosts of a pod (kubelet managedHostsFileContent, nodeHostsFileContent); the first line is looked for by tests. */
export function hostsFileOf(
  pod: Pod,
  options: { podIps: readonly string[]; hostname: string; clusterDomain: string; hostFile: string }
): string {
  const aliases = pod.spec.hostAliases ?? []
  if (pod.spec.hostNetwork === true) {
    return `# Kubernetes-managed hosts file (host network).\n${options.hostFile}${aliasLines(aliases)}`
  }
  const { hostname } = options
  const domain = subdomainOf(pod, options.clusterDomain)
  const names = domain === undefined ? hostname : `${hostname}.${domain}\t${hostname}`
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...options.podIps.map((ip) => `${ip}\t${names}`)
  ]
  return lines.join('\n') + '\n' + aliasLines(aliases)
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return ''
  const lines = aliases.map(({ ip = '', hostnames = [] }) => [ip, ...hostnames].join('\t'))
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`
}

const subdomainOf = (pod: Pod, clusterDomain: string): string | undefined =>
  pod.spec.subdomain
    ? `${pod.spec.subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${clusterDomain}`
    : undefined

/**
 * The host name inside a pod: spec.hostname or the pod's name cut to 63 characters; the fully qualified one where
 * setHostnameAsFQDN asks for it (and it fits in the kernel's 64).
 */
export function hostnameOf(pod: Pod, clusterDomain: string): { short: string; inPod: string } {
  const { hostname, hostnameOverride, setHostnameAsFQDN } = pod.spec
  const short = hostname ?? pod.metadata.name.slice(0, 63).replace(/[-.]+$/, '')
  if (hostnameOverride) return { short: hostnameOverride, inPod: hostnameOverride }
  const domain = subdomainOf(pod, clusterDomain)
  const full = domain === undefined ? short : `${short}.${domain}`
  return { short, inPod: setHostnameAsFQDN === true ? full : short }
}
