import type { KubeObject } from '../../base/object.js'
import type { Session } from '../session.js'
import { mapLines, type Writer } from './writer.js'

export interface DescribeContext {
  readonly session: Session
  readonly now: Date
}

/** Writes what is special of a kind; name, labels and events are written for all. */
export type Describer<T extends KubeObject = KubeObject> = (
  object: T,
  writer: Writer,
  context: DescribeContext
) => Promise<void> | void

/** Annotations that say nothing to a reader. */
const hiddenAnnotations = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

/** Name, namespace, labels, annotations. */
export function writeMetadata(object: KubeObject, writer: Writer): void {
  const { name, namespace, labels, annotations, creationTimestamp, deletionTimestamp, ownerReferences } =
    object.metadata
  writer.field('Name', name)
  if (namespace !== undefined) writer.field('Namespace', namespace)
  const shown = Object.entries(annotations ?? {}).filter(([key]) => !hiddenAnnotations.has(key))
  writer.field('Labels', mapLines(labels)).field('Annotations', mapLines(Object.fromEntries(shown), ': '))
  writer.field('Created', creationTimestamp)
  if (deletionTimestamp !== undefined) writer.field('Terminating since', deletionTimestamp)
  const controller = ownerReferences?.find((owner) => owner.controller)
  if (controller) writer.field('Controlled By', `${controller.kind}/${controller.name}`)
}
