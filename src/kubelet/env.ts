import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from '../api/types.js'
import type { DownwardFacts } from '../volumes/downward-fields.js'
import { fieldValue, resourceValue } from '../volumes/downward-fields.js'
import type { VolumeSources } from '../volumes/volume.js'
import { ContainerConfigError } from './container-config-error.js'
import { expand } from './expansion.js'
import { serviceVariables } from './service-env.js'

export interface EnvInput {
  pod: Pod
  container: Container
  sources: Pick<VolumeSources, 'configMap' | 'secret'>
  services: readonly Service[]
  facts: DownwardFacts
}

/**
 * The environment of a container (kubelet makeEnvironmentVariables): service links, then envFrom, then env, each
 * overriding what is before; `$(NAME)` in env sees what was defined earlier.
 * @throws ContainerConfigError for a source that is missing and not optional
 */
export async function containerEnv(input: EnvInput): Promise<Map<string, string>> {
  const { pod, container, services } = input
  const namespace = pod.metadata.namespace ?? 'default'
  const links = serviceVariables(services, namespace, pod.spec.enableServiceLinks !== false)
  const result = new Map<string, string>()
  await addEnvFrom(input, namespace, result)
  // Links are in reach of $(NAME), and never override what the pod defines itself.
  const lookup = (name: string) => result.get(name) ?? links.get(name)
  for (const variable of container.env ?? []) {
    const value = await valueOf(input, namespace, variable, lookup)
    if (value !== undefined) result.set(variable.name, value)
  }
  for (const [name, value] of links) if (!result.has(name)) result.set(name, value)
  return result
}

async function addEnvFrom(input: EnvInput, namespace: string, result: Map<string, string>): Promise<void> {
  for (const { prefix = '', configMapRef, secretRef } of input.container.envFrom ?? []) {
    const values = configMapRef
      ? stringsOf(
          await input.sources.configMap(namespace, configMapRef.name ?? ''),
          configMapRef.optional,
          () => `configmap "${configMapRef.name ?? ''}" not found`
        )
      : secretRef
        ? decoded(
            await input.sources.secret(namespace, secretRef.name ?? ''),
            secretRef.optional,
            () => `secret "${secretRef.name ?? ''}" not found`
          )
        : {}
    for (const key of Object.keys(values).sort()) {
      const name = prefix + key
      // Upstream skips names that can't be variables and says so in an event.
      if (/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) result.set(name, values[key] ?? '')
    }
  }
}

function stringsOf(
  configMap: ConfigMap | undefined,
  optional: boolean | undefined,
  message: () => string
): Record<string, string> {
  if (!configMap && optional !== true) throw new ContainerConfigError(message())
  return configMap?.data ?? {}
}

function decoded(
  secret: Secret | undefined,
  optional: boolean | undefined,
  message: () => string
): Record<string, string> {
  if (!secret && optional !== true) throw new ContainerConfigError(message())
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()])
  )
}

async function valueOf(
  { pod, container, sources, facts }: EnvInput,
  namespace: string,
  { value, valueFrom }: EnvVar,
  lookup: (name: string) => string | undefined
): Promise<string | undefined> {
  if (!valueFrom) return expand(value ?? '', lookup)
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef) {
    const field = fieldValue(pod, fieldRef, facts)
    if (field === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return field
  }
  if (resourceFieldRef) {
    const { containerName } = resourceFieldRef
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    const target = containerName ? all.find(({ name }) => name === containerName) : container
    const amount = target && resourceValue(target, resourceFieldRef, facts)
    if (amount === undefined)
      throw new ContainerConfigError(`unsupported container resource : ${resourceFieldRef.resource}`)
    return amount
  }
  const full = `${namespace}/`
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef
    const values = stringsOf(
      await sources.configMap(namespace, name),
      optional,
      () => `configmap "${name}" not found`
    )
    return keyOf(values, key, optional, `couldn't find key ${key} in ConfigMap ${full}${name}`)
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef
    const values = decoded(
      await sources.secret(namespace, name),
      optional,
      () => `secret "${name}" not found`
    )
    return keyOf(values, key, optional, `couldn't find key ${key} in Secret ${full}${name}`)
  }
  throw new ContainerConfigError(`env source ${Object.keys(valueFrom).join(', ')} is not supported`)
}

function keyOf(
  values: Record<string, string>,
  key: string,
  optional: boolean | undefined,
  message: string
): string | undefined {
  const value = Object.hasOwn(values, key) ? values[key] : undefined
  if (value === undefined && optional !== true) throw new ContainerConfigError(message)
  return value
}
