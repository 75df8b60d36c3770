import type { Ingress, IngressBackend } from '../../api/types.js'
import type { Describer } from './describer.js'

export const describeIngress: Describer<Ingress> = (ingress, writer) => {
  const { spec, status } = ingress
  const addresses = (status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip ?? entry.hostname ?? '')
  writer
    .field('Address', addresses.join(', ') || undefined)
    .field('Ingress Class', spec?.ingressClassName)
    .field('Default backend', backendText(spec?.defaultBackend))
  const tls = (spec?.tls ?? []).map(
    (entry) => `${entry.secretName ?? ''} terminates ${(entry.hosts ?? []).join(',')}`
  )
  if (tls.length > 0) writer.field('TLS', tls)
  writer.heading('Rules')
  for (const rule of spec?.rules ?? []) {
    const paths = (rule.http?.paths ?? []).map(
      (path) => `${path.path ?? '/'} (${path.pathType}) -> ${backendText(path.backend)}`
    )
    writer.field(rule.host ?? '*', paths, 1)
  }
}

function backendText(backend: IngressBackend | undefined): string {
  const { service, resource } = backend ?? {}
  if (service) return `${service.name}:${service.port?.name ?? service.port?.number ?? ''}`
  return resource ? `${resource.kind}/${resource.name}` : '<default>'
}
