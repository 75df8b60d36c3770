import type { Ingress, IngressBackend, IngressClass, Secret } from '../../api/types.js'
import { redirectAnnotations } from '../../api/warnings/ingress-warnings.js'
import { keyOf } from '../../base/object.js'
import type { BackendRef, IngressModel, PathModel } from './ingress-model.js'

/** spec.controller of the IngressClasses that mk serves. */
export const ingressController = 'mk.dev/ingress'

const classAnnotation = 'kubernetes.io/ingress.class'
const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class'

/** Is this Ingress mk's to serve? By class, by the old annotation, or as one without class while mk is the default. */
export function isServed(
  ingress: Ingress,
  classOf: (name: string) => IngressClass | undefined,
  classes: readonly IngressClass[]
): boolean {
  const named = ingress.spec.ingressClassName ?? ingress.metadata.annotations?.[classAnnotation]
  if (named !== undefined) return classOf(named)?.spec.controller === ingressController
  return classes.some(
    ({ metadata, spec }) =>
      spec.controller === ingressController && metadata.annotations?.[defaultClassAnnotation] === 'true'
  )
}

/** `problems` names TLS secrets that are missing or lack their fields. */
export function buildIngressModel(
  ingress: Ingress,
  secretOf: (key: string) => Secret | undefined
): { model: IngressModel; problems: string[] } {
  const { metadata, spec } = ingress
  const namespace = metadata.namespace ?? ''
  const problems: string[] = []
  const model: IngressModel = {
    key: keyOf(ingress),
    createdAt: metadata.creationTimestamp ?? '',
    rules: (spec.rules ?? []).map(({ host, http }) => ({
      host: (host ?? '').toLowerCase(),
      paths: (http?.paths ?? []).flatMap(({ path = '', pathType, backend }): PathModel[] => {
        const ref = backendRef(namespace, backend)
        return ref ? [{ path, type: pathType === 'Exact' ? 'Exact' : 'Prefix', backend: ref }] : []
      })
    })),
    defaultBackend: backendRef(namespace, spec.defaultBackend),
    tls: (spec.tls ?? []).flatMap(({ hosts = [], secretName }) => {
      if (secretName === undefined || secretName === '') return []
      const secret = `${namespace}/${secretName}`
      const pem = pemOf(secretOf(secret))
      if (!pem) problems.push(`the TLS secret ${secret} does not exist or lacks tls.crt or tls.key`)
      return pem ? [{ hosts: [...hosts], secret, ...pem }] : []
    }),
    sslRedirect: redirectAnnotations.some((name) => metadata.annotations?.[name] === 'true')
  }
  return { model, problems }
}

function backendRef(namespace: string, backend: IngressBackend | undefined): BackendRef | undefined {
  const service = backend?.service
  const port = service?.port?.number ?? service?.port?.name
  return service && port !== undefined ? { service: `${namespace}/${service.name}`, port } : undefined
}

function pemOf(secret: Secret | undefined): { certificate: string; privateKey: string } | undefined {
  const text = (name: string) => Buffer.from(secret?.data?.[name] ?? '', 'base64').toString('utf8')
  const [certificate, privateKey] = [text('tls.crt'), text('tls.key')]
  return certificate && privateKey ? { certificate, privateKey } : undefined
}
