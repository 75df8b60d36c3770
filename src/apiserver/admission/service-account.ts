import type { Container, Pod, ServiceAccount, Volume } from '../../api/types.js'
import { randomSuffix } from '../../base/ids.js'
import { statusErrors } from '../../base/status.js'
import type { AdmissionPlugin, AdmissionRequest } from './admission.js'
import { createdPod } from './pods.js'
import type { ObjectReader } from './reader.js'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const mirrorAnnotation = 'kubernetes.io/config.mirror'
// An hour, and seven seconds by which the kubelet tells these tokens from others.
const tokenSeconds = 3607

/** Gives pods an account, its token and its image pull secrets (plugin ServiceAccount). */
export function serviceAccount(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    mutate: (request) => {
      const pod = createdPod(request)
      if (pod && !pod.metadata.annotations?.[mirrorAnnotation]) admit(reader, request, pod)
    }
  }
}

function admit(reader: ObjectReader, request: AdmissionRequest, pod: Pod): void {
  const { spec } = pod
  const name = spec.serviceAccountName || spec.serviceAccount || 'default'
  spec.serviceAccountName = name
  spec.serviceAccount = name
  const account = reader.get<ServiceAccount>({ group: '', kind: 'ServiceAccount' }, request.namespace, name)
  if (!account) {
    const missing = statusErrors.notFound({ group: '', plural: 'serviceaccounts' }, name).message
    const why = `error looking up service account ${request.namespace ?? ''}/${name}: ${missing}`
    throw statusErrors.forbidden(request.kind, pod.metadata.name, why)
  }
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets)
  }
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod)
}

function mountToken({ spec }: Pod): void {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const needing = containers.filter((c) => !c.volumeMounts?.some((mount) => mount.mountPath === mountPath))
  if (needing.length === 0) return
  const existing = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-'))
  const volume = existing ?? tokenVolume()
  if (!existing) spec.volumes = [...(spec.volumes ?? []), volume]
  for (const container of needing) addMount(container, volume.name)
}

function addMount(container: Container, name: string): void {
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
}

function tokenVolume(): Volume {
  return {
    name: `kube-api-access-${randomSuffix()}`,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }]
          }
        }
      ]
    }
  }
}
