import type { Pod } from '../api/types.js'

export interface ResolvConf {
  nameservers: string[]
  searches: string[]
  options: string[]
}

export interface DnsOptions {
  /** The address of the cluster's DNS service. */
  clusterDns: string
  clusterDomain: string
  /** The machine's own settings, read when a pod starts: networks come and go. */
  host: ResolvConf
}

/**
 * /etc/resolv.conf of a pod (kubelet dns.Configurer): by dnsPolicy, then dnsConfig appended, with later options of
 * the same name winning.
 */
export function resolvConfOf(pod: Pod, { clusterDns, clusterDomain, host }: DnsOptions): string {
  const { dnsPolicy = 'ClusterFirst', hostNetwork, dnsConfig = {} } = pod.spec
  const usesCluster =
    dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && hostNetwork !== true)
  const none: ResolvConf = { nameservers: [], searches: [], options: [] }
  const namespace = pod.metadata.namespace ?? 'default'
  const cluster: ResolvConf = {
    nameservers: [clusterDns],
    searches: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches],
    options: ['ndots:5']
  }
  const base = usesCluster ? cluster : dnsPolicy === 'None' ? none : host
  const extra = (dnsConfig.options ?? []).map(({ name = '', value }) => (value ? `${name}:${value}` : name))
  return formatResolvConf({
    nameservers: unique([...base.nameservers, ...(dnsConfig.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig.searches ?? [])]),
    options: mergeOptions(base.options, extra)
  })
}

const unique = (list: readonly string[]) => [...new Set(list)]

function mergeOptions(base: readonly string[], extra: readonly string[]): string[] {
  const merged = new Map([...base, ...extra].map((option) => [option.split(':')[0] ?? option, option]))
  return [...merged.values()]
}

function formatResolvConf({ nameservers, searches, options }: ResolvConf): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : [])
  ]
  return lines.join('\n') + '\n'
}

/** Reads a resolv.conf; addresses of a resolver on the machine's loopback, which pods can't reach, are left out. */
export function parseResolvConf(text: string): ResolvConf {
  const result: ResolvConf = { nameservers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0] && !/^(127\.|::1$)/.test(values[0]))
      result.nameservers.push(values[0])
    else if (keyword === 'search') result.searches = values.filter((name) => name !== '.')
    else if (keyword === 'options') result.options.push(...values)
  }
  return result
}
