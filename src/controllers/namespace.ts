import { namespaces as namespaceKind } from '../api/kinds/namespaces.js'
import { pods as podKind } from '../api/kinds/pods.js'
import type { Kind } from '../api/kind.js'
import type { Namespace, NamespaceCondition } from '../api/types.js'
import { messageOf } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { withCondition } from './support/conditions.js'
import { semanticEqual } from './support/equal.js'
import { contentKinds } from './support/kinds.js'

const finalizer = 'kubernetes'

/** What is left of a kind in a namespace. */
interface Remaining {
  kind: Kind
  objects: readonly KubeObject[]
}

/**
 * Empties namespaces that are being deleted, pods first, and then lets them go (upstream: pkg/controller/namespace).
 * Each object that goes calls it again, so nothing is polled.
 */
export const namespaceController: ControllerFactory = ({ client, informers, clock, kinds }) => {
  const namespaces = informers.of(namespaceKind)
  const contents = contentKinds(kinds)
  const watched = contents.map((kind) => informers.of(kind))

  const list = async (kind: Kind, namespace: string): Promise<Remaining> => ({
    kind,
    objects: (await client.of(kind).list({ namespace })).items
  })

  async function deleteAll({ kind, objects }: Remaining): Promise<void> {
    for (const { metadata } of objects) {
      // A second delete of a pod on its way would change nothing but its version.
      if (metadata.deletionTimestamp !== undefined) continue
      try {
        const options = { propagationPolicy: 'Background', preconditions: { uid: metadata.uid } } as const
        await client.of(kind).delete(metadata, options)
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error
      }
    }
  }

  async function empty(kind: Kind, namespace: string): Promise<Remaining> {
    const found = await list(kind, namespace)
    if (found.objects.length === 0) return found
    await deleteAll(found)
    return list(kind, namespace)
  }

  async function emptyAll(namespace: string): Promise<{ remaining: Remaining[]; error: Error | undefined }> {
    try {
      const isPod = ({ group, plural }: Kind) => group === podKind.group && plural === podKind.plural
      const pods = await Promise.all(contents.filter(isPod).map((kind) => empty(kind, namespace)))
      const others = contents.filter((kind) => !isPod(kind))
      // Pods need their Secrets, ConfigMaps and Services while they stop.
      const wait = pods.some(({ objects }) => objects.length > 0)
      const rest = await Promise.all(others.map((kind) => (wait ? list : empty)(kind, namespace)))
      return { remaining: [...pods, ...rest].filter(({ objects }) => objects.length > 0), error: undefined }
    } catch (error) {
      return { remaining: [], error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  async function setConditions(
    namespace: Namespace,
    remaining: readonly Remaining[],
    error: Error | undefined
  ): Promise<void> {
    let conditions: readonly NamespaceCondition[] | undefined = namespace.status?.conditions
    for (const condition of conditionsOf(remaining, error)) {
      const kept = conditions?.filter(
        ({ type, message }) => type !== condition.type || message === condition.message
      )
      conditions = withCondition(kept, condition, clock.now())
    }
    const status = { ...namespace.status, phase: 'Terminating', conditions: [...(conditions ?? [])] }
    if (semanticEqual(status, namespace.status)) return
    await client.of(namespaceKind).updateStatus({ ...namespace, status })
  }

  async function find(name: string): Promise<Namespace | undefined> {
    try {
      return await client.of(namespaceKind).get({ name })
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  async function finalize(namespace: Namespace): Promise<void> {
    const finalizers = (namespace.spec.finalizers ?? []).filter((other) => other !== finalizer)
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } }
    await client.of(namespaceKind).subresource('finalize').update(namespace.metadata, body)
  }

  return {
    name: 'namespace',

    watch(queue) {
      const isTerminating = (name: string) => namespaces.get(name)?.metadata.deletionTimestamp !== undefined
      return [
        namespaces.onChange(({ object }) => {
          if (object.metadata.deletionTimestamp !== undefined) queue.add(object.metadata.name)
        }),
        ...watched.map((informer) =>
          informer.onChange(({ type, object: { metadata } }) => {
            const { namespace = '' } = metadata
            // Deletions bring it on; what was created at the last moment has to go as well.
            if (type !== 'updated' && isTerminating(namespace)) queue.add(namespace)
          })
        )
      ]
    },

    async reconcile(key) {
      if (namespaces.get(key)?.metadata.deletionTimestamp === undefined) return undefined
      const namespace = await find(key)
      if (!namespace?.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(finalizer))
        return undefined
      const { remaining, error } = await emptyAll(key)
      if (remaining.length === 0 && error === undefined) {
        await finalize(namespace)
        return undefined
      }
      await setConditions(namespace, remaining, error)
      if (error !== undefined) throw error
      return undefined
    }
  }
}

function conditionsOf(remaining: readonly Remaining[], error: Error | undefined): NamespaceCondition[] {
  const condition = (type: string, status: boolean, reason: string, message: string) => ({
    type,
    status: status ? 'True' : 'False',
    reason,
    message
  })
  const names = remaining.map(
    ({ kind, objects }) => `${kind.plural}.${kind.group} has ${objects.length} resource instances`
  )
  const finalizers = new Map<string, number>()
  for (const { metadata } of remaining.flatMap(({ objects }) => objects)) {
    for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1)
  }
  const held = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort()
  return [
    error === undefined
      ? condition(
          'NamespaceDeletionContentFailure',
          false,
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization'
        )
      : condition(
          'NamespaceDeletionContentFailure',
          true,
          'ContentDeletionFailed',
          `Failed to delete all resource types, 1 remaining: ${messageOf(error)}`
        ),
    condition(
      'NamespaceDeletionDiscoveryFailure',
      false,
      'ResourcesDiscovered',
      'All resources successfully discovered'
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed'
    ),
    names.length > 0
      ? condition(
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${names.sort().join(', ')}`
        )
      : condition('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
    held.length > 0
      ? condition(
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${held.join(', ')}`
        )
      : condition(
          'NamespaceFinalizersRemaining',
          false,
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished'
        )
  ]
}
