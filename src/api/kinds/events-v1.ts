import type { KubeObject } from '../../base/object.js'
import type { FieldError } from '../../base/status.js'
import type { Event, EventsEvent } from '../types.js'
import { fieldErrors, oneOf } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'
import { events, validateEventNamespace } from './events.js'

/** Drops members that are undefined, as JSON would. */
const defined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T

/** The same stored events under the newer group's field names (pkg/apis/events/v1 conversion). */
function fromStored(stored: KubeObject): EventsEvent {
  const {
    message: note,
    involvedObject: regarding,
    reportingComponent: reportingController,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    eventTime,
    ...rest
  } = stored as Event
  return defined({
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    note,
    regarding,
    reportingController,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    eventTime: eventTime as string
  }) as EventsEvent
}

function toStored(event: EventsEvent): KubeObject {
  const {
    note: message,
    regarding = {},
    reportingController: reportingComponent,
    deprecatedSource: source = {},
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    ...rest
  } = event
  return defined({
    ...rest,
    apiVersion: 'v1',
    message,
    involvedObject: regarding,
    reportingComponent,
    source,
    firstTimestamp,
    lastTimestamp,
    count
  })
}

/** core ValidateEventCreate: events of the newer group are complete. */
function validate(event: EventsEvent, old?: EventsEvent): FieldError[] {
  const errors = validateEventNamespace(event.metadata.namespace, event.regarding, 'regarding')
  if (old) return errors
  if (!event.eventTime) errors.push(fieldErrors.required('eventTime'))
  if (!event.reportingController) errors.push(fieldErrors.required('reportingController'))
  if (!event.reportingInstance) errors.push(fieldErrors.required('reportingInstance'))
  if (!event.action) errors.push(fieldErrors.required('action'))
  if (!event.reason) errors.push(fieldErrors.required('reason'))
  if (Buffer.byteLength(event.note ?? '') > 1024)
    errors.push(fieldErrors.invalid('note', event.note, 'can have at most 1024 characters'))
  return [...errors, ...oneOf(event.type, ['Normal', 'Warning'], 'type', 'required')]
}

const regarding = (field: keyof NonNullable<EventsEvent['regarding']>) => (event: EventsEvent) =>
  event.regarding?.[field] ?? ''

export const eventsV1 = defineKind<EventsEvent>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  storedAs: { group: '', plural: 'events' },
  convert: { fromStored, toStored },
  generation: false,
  validate,
  selectableFields: {
    'regarding.kind': regarding('kind'),
    'regarding.namespace': regarding('namespace'),
    'regarding.name': regarding('name'),
    'regarding.uid': regarding('uid'),
    'regarding.apiVersion': regarding('apiVersion'),
    'regarding.resourceVersion': regarding('resourceVersion'),
    'regarding.fieldPath': regarding('fieldPath'),
    reason: (event) => event.reason ?? '',
    reportingController: (event) => event.reportingController ?? '',
    type: (event) => event.type ?? ''
  },
  columns: events.columns.map(({ cell, ...column }) => ({
    ...column,
    cell: (event: EventsEvent, now: Date) => cell(toStored(event) as Event, now)
  }))
})
