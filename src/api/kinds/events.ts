import type { FieldError } from '../../base/status.js'
import { ageOf, column, wideColumn } from '../columns.js'
import type { Event, ObjectReference } from '../types.js'
import { fieldErrors } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'

/** Events about cluster-scoped objects live in `default` or `kube-system` (ValidateEvent). */
export function validateEventNamespace(
  namespace: string | undefined,
  about: ObjectReference | undefined,
  field: string
): FieldError[] {
  const expected = about?.namespace
  const fits = expected ? namespace === expected : namespace === 'default' || namespace === 'kube-system'
  return fits
    ? []
    : [fieldErrors.invalid(`${field}.namespace`, expected ?? '', 'does not match event.namespace')]
}

const lastSeen = (event: Event) => event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime
const firstSeen = (event: Event) => event.firstTimestamp ?? event.eventTime

function object({ involvedObject: about }: Event): string {
  const kind = (about.kind ?? '').toLowerCase()
  return about.name ? `${kind}/${about.name}` : kind
}

function source(event: Event): string {
  const { component, host } = event.source ?? {}
  const name = component || (event.reportingComponent ?? '')
  const where = host || (event.reportingInstance ?? '')
  return where ? `${name}, ${where}` : name
}

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  generation: false,
  applyDefaults: (event) => {
    event.involvedObject ??= {}
    event.source ??= {}
    event.reportingComponent ??= ''
    event.reportingInstance ??= ''
  },
  validate: (event) =>
    validateEventNamespace(event.metadata.namespace, event.involvedObject, 'involvedObject'),
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || (event.reportingComponent ?? ''),
    type: (event) => event.type ?? ''
  },
  columns: [
    column('Last Seen', (event, now) => ageOf(lastSeen(event), now)),
    column('Type', (event) => event.type ?? ''),
    column('Reason', (event) => event.reason ?? ''),
    column('Object', object),
    wideColumn('Subobject', (event) => event.involvedObject.fieldPath ?? ''),
    wideColumn('Source', source),
    column('Message', (event) => (event.message ?? '').trim()),
    wideColumn('First Seen', (event, now) => ageOf(firstSeen(event), now)),
    wideColumn('Count', (event) => String(event.series?.count ?? (event.count || 1))),
    wideColumn('Name', (event) => event.metadata.name)
  ]
})
