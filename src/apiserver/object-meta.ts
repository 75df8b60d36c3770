import type { Kind } from '../api/kind.js'
import { fieldErrors, invalidAll } from '../api/validation/field-errors.js'
import { validateLabels } from '../api/validation/labels.js'
import {
  dns1035LabelProblems,
  dnsLabelProblems,
  dnsSubdomainProblems,
  qualifiedNameProblems
} from '../api/validation/names.js'
import type { KubeObject, ObjectMeta, OwnerReference } from '../base/object.js'
import type { FieldError } from '../base/status.js'

const totalAnnotationBytes = 256 * 1024
const standardFinalizers = ['foregroundDeletion', 'orphan', 'kubernetes']

/** Why a name does not follow the kind's rule. */
function nameProblems(name: string, rule: Kind['nameRule']): string[] {
  switch (rule ?? 'subdomain') {
    case 'label':
      return dnsLabelProblems(name)
    case 'label1035':
      return dns1035LabelProblems(name)
    case 'subdomain':
      return dnsSubdomainProblems(name)
    case 'path':
      return pathSegmentProblems(name)
  }
}

/** Names that cannot stand in a URL path. */
export function pathSegmentProblems(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`)
}

/** Rules that hold for the metadata of any object (apimachinery ValidateObjectMeta). */
export function validateObjectMeta(kind: Kind, metadata: ObjectMeta): FieldError[] {
  const { name, labels, annotations = {}, ownerReferences = [], finalizers = [] } = metadata
  return [
    ...(name
      ? invalidAll('metadata.name', name, nameProblems(name, kind.nameRule))
      : [fieldErrors.required('metadata.name', 'name or generateName is required')]),
    ...validateLabels(labels, 'metadata.labels'),
    ...validateAnnotations(annotations),
    ...validateOwners(ownerReferences),
    ...finalizers.flatMap((text) => invalidAll('metadata.finalizers', text, finalizerProblems(text)))
  ]
}

function validateAnnotations(annotations: Record<string, string>): FieldError[] {
  const field = 'metadata.annotations'
  const entries = Object.entries(annotations)
  const bytes = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0
  )
  return [
    ...entries.flatMap(([key]) => invalidAll(field, key, qualifiedNameProblems(key.toLowerCase()))),
    ...(bytes > totalAnnotationBytes ? [fieldErrors.tooLong(field, totalAnnotationBytes)] : [])
  ]
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const field = 'metadata.ownerReferences'
  const needed = ['apiVersion', 'kind', 'name', 'uid'] as const
  const errors = owners.flatMap((owner) =>
    needed
      .filter((member) => !owner[member])
      .map((member) => fieldErrors.invalid(`${field}.${member}`, '', 'must not be empty'))
  )
  const controllers = owners.filter((owner) => owner.controller === true)
  if (controllers.length > 1) {
    const named = controllers.map((owner) => `${owner.kind}/${owner.name}`).join(' and ')
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${named}`
    errors.push(fieldErrors.invalid(field, owners, why))
  }
  return errors
}

function finalizerProblems(finalizer: string): string[] {
  const problems = qualifiedNameProblems(finalizer)
  if (problems.length > 0) return problems
  return finalizer.includes('/') || standardFinalizers.includes(finalizer)
    ? []
    : ['name is neither a standard finalizer name nor is it fully qualified']
}

/** An object that is being deleted gets no new finalizers (apimachinery ValidateNoNewFinalizers). */
export function validateObjectMetaUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  if (!old.metadata.deletionTimestamp) return []
  const known = new Set(old.metadata.finalizers ?? [])
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !known.has(finalizer))
  if (added.length === 0) return []
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
  return [fieldErrors.forbidden('metadata.finalizers', why)]
}
