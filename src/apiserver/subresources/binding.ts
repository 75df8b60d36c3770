import type { Binding, Pod } from '../../api/types.js'
import { toTime } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import { Entity } from '../entity.js'
import { cloneJson, isObject } from '../json.js'
import { modify } from '../verbs/modify.js'
import type { SubresourceHandler } from '../core.js'

/** `pods/binding`: puts a pod on a node, once (registry pod BindingREST). */
export const binding: SubresourceHandler = {
  create: async (core, scope, target, body, options) => {
    const { node, annotations } = readBinding(body)
    await modify(core, scope, target, { ...options, part: 'whole' }, (current) => {
      const next = cloneJson(current)
      // The version that the scheduler saw does not matter here, only that nobody bound the pod.
      delete (next.metadata as { resourceVersion?: string }).resourceVersion
      bind(next as unknown as Pod, node, toTime(core.clock.now()))
      if (annotations) next.metadata.annotations = { ...next.metadata.annotations, ...annotations }
      return next
    })
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
    return new Entity(Buffer.from(JSON.stringify(status)), status as unknown as KubeObject)
  }
}

function readBinding(body: unknown): { node: string; annotations?: Record<string, string> | undefined } {
  const { target, metadata } = (isObject(body) ? body : {}) as Partial<Binding>
  const node = isObject(target) ? (target as { name?: unknown }).name : undefined
  if (typeof node === 'string' && node) return { node, annotations: metadata?.annotations }
  throw statusErrors.invalid({ group: '', kind: 'Binding' }, metadata?.name ?? '', [
    { type: 'FieldValueRequired', field: 'target.name', message: 'Required value' }
  ])
}

function bind(pod: Pod, node: string, now: string): void {
  const resource = { group: '', plural: 'pods/binding' }
  const { name } = pod.metadata
  if (pod.metadata.deletionTimestamp) {
    throw statusErrors.conflict(resource, name, `pod ${name} is being deleted, cannot be assigned to a host`)
  }
  const bound = pod.spec?.nodeName
  if (bound) {
    throw statusErrors.conflict(
      resource,
      name,
      `pod ${name} is already assigned to node ${JSON.stringify(bound)}`
    )
  }
  Object.assign(pod, { spec: { ...pod.spec, nodeName: node } })
  const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: now }
  Object.assign(pod, { status: { ...pod.status, conditions: [...others, scheduled] } })
}
