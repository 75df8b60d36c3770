import type { Ingress } from '../types.js'

/** Annotations of the ingress that demand HTTPS: its own, and the ones that most manifests in the world carry. */
export const redirectAnnotations: readonly string[] = [
  'mk.dev/ssl-redirect',
  'nginx.ingress.kubernetes.io/ssl-redirect',
  'nginx.ingress.kubernetes.io/force-ssl-redirect'
]

/** Where ingress controllers keep their settings. */
const prefixes = [
  'nginx.ingress.kubernetes.io/',
  'nginx.org/',
  'traefik.ingress.kubernetes.io/',
  'ingress.kubernetes.io/',
  'haproxy.org/',
  'haproxy-ingress.github.io/',
  'konghq.com/',
  'projectcontour.io/',
  'alb.ingress.kubernetes.io/',
  'appgw.ingress.kubernetes.io/',
  'networking.gke.io/'
]

/** The settings of ingress controllers on it that mk does not act on. */
export const ignoredAnnotations = ({ metadata }: Ingress): string[] =>
  Object.keys(metadata.annotations ?? {}).filter(
    (name) => prefixes.some((prefix) => name.startsWith(prefix)) && !redirectAnnotations.includes(name)
  )

/** What mk's ingress would not do. An Ingress of another class is somebody else's to serve. */
export function ingressWarnings(ingress: Ingress): string[] {
  const { spec, metadata } = ingress
  const name = spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? 'mk'
  if (name !== 'mk') return []
  return ignoredAnnotations(ingress).map(
    (annotation) => `metadata.annotations[${annotation}]: mk does not act on this annotation`
  )
}
