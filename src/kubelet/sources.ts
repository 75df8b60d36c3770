import { configMaps } from '../api/kinds/config-maps.js'
import { secrets } from '../api/kinds/secrets.js'
import { serviceAccounts } from '../api/kinds/service-accounts.js'
import type { Pod } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import type { KubeObject, ObjectKey } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Client, ResourceClient } from '../client/client.js'
import type { VolumeSources } from '../volumes/volume.js'

interface TokenRequestAnswer extends KubeObject {
  status: { token: string; expirationTimestamp: string }
}

const maxTokenAgeMs = 24 * 3600_000

/**
 * Reads for volumes and environments. ConfigMaps and Secrets are read afresh each time: a pod that was created after
 * an update must see it. Tokens are kept until 80 % of their life or 24 hours (kubelet token manager).
 */
export function createSources(
  client: Client,
  clock: Clock
): VolumeSources & { forgetPod(uid: string): void } {
  const tokens = new Map<string, { token: string; refreshAt: Date }>()
  return {
    configMap: (namespace, name) => find(client.of(configMaps), { namespace, name }),
    secret: (namespace, name) => find(client.of(secrets), { namespace, name }),
    async serviceAccountToken(pod, { audience, expirationSeconds }) {
      const key = `${pod.metadata.uid}/${audience ?? ''}/${String(expirationSeconds)}`
      const known = tokens.get(key)
      if (known && known.refreshAt > clock.now()) return known
      const account = { namespace: pod.metadata.namespace, name: pod.spec.serviceAccountName ?? 'default' }
      const answer = await client
        .of(serviceAccounts)
        .subresource('token')
        .create<TokenRequestAnswer>(account, tokenRequest(pod, audience, expirationSeconds))
      const nowMs = clock.now().getTime()
      const lifeMs = Date.parse(answer.status.expirationTimestamp) - nowMs
      const refreshAt = new Date(nowMs + Math.min(lifeMs * 0.8, maxTokenAgeMs))
      const fresh = { token: answer.status.token, refreshAt }
      tokens.set(key, fresh)
      return fresh
    },
    forgetPod(uid) {
      for (const key of [...tokens.keys()]) if (key.startsWith(`${uid}/`)) tokens.delete(key)
    }
  }
}

const tokenRequest = (pod: Pod, audience: string | undefined, expirationSeconds: number) => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  metadata: {},
  spec: {
    audiences: audience === undefined || audience === '' ? [] : [audience],
    expirationSeconds,
    boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }
  }
})

async function find<T extends KubeObject>(
  resource: ResourceClient<T>,
  key: ObjectKey
): Promise<T | undefined> {
  try {
    return await resource.get(key)
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined
    throw error
  }
}

/** Names of the ConfigMaps and Secrets that a pod reads, as `configmap/name` and `secret/name`. */
export function referencesOf({ spec }: Pod): Set<string> {
  const names = new Set<string>()
  const configMap = (name: string | undefined) => names.add(`configmap/${name ?? ''}`)
  const secret = (name: string | undefined) => names.add(`secret/${name ?? ''}`)
  for (const { name } of spec.imagePullSecrets ?? []) secret(name)
  for (const volume of spec.volumes ?? []) {
    if (volume.configMap) configMap(volume.configMap.name)
    if (volume.secret) secret(volume.secret.secretName)
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap) configMap(source.configMap.name)
      if (source.secret) secret(source.secret.name)
    }
  }
  for (const { env = [], envFrom = [] } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    for (const { valueFrom } of env) {
      if (valueFrom?.configMapKeyRef) configMap(valueFrom.configMapKeyRef.name)
      if (valueFrom?.secretKeyRef) secret(valueFrom.secretKeyRef.name)
    }
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef) configMap(configMapRef.name)
      if (secretRef) secret(secretRef.name)
    }
  }
  return names
}
