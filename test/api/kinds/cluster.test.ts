import t from 'tap'
import { eventsV1 } from '../../../src/api/kinds/events-v1.js'
import { events } from '../../../src/api/kinds/events.js'
import { leases } from '../../../src/api/kinds/leases.js'
import { namespaces } from '../../../src/api/kinds/namespaces.js'
import { nodes } from '../../../src/api/kinds/nodes.js'
import { priorityClasses } from '../../../src/api/kinds/priority-classes.js'
import { selfSubjectAccessReviews } from '../../../src/api/kinds/self-subject-access-reviews.js'
import { tokenReviews } from '../../../src/api/kinds/token-reviews.js'
import type { Event, EventsEvent } from '../../../src/api/types.js'
import { cells, make, problems } from '../support.js'

t.test('namespaces', async (t) => {
  const made = make(namespaces, { metadata: { name: 'team' } })
  t.same(made.metadata.labels, { 'kubernetes.io/metadata.name': 'team' })
  namespaces.prepareForCreate?.(made)
  t.same(made.spec.finalizers, ['kubernetes'])
  t.same(made.status, { phase: 'Active' })
  const update = make(namespaces, { spec: {} })
  namespaces.prepareForUpdate?.(update, made)
  t.same(update.spec.finalizers, ['kubernetes'], 'only /finalize changes finalizers')
  t.match(cells(namespaces, made, new Date()), { Name: 'team', Status: 'Active' })
})

t.test('nodes', async (t) => {
  const node = make(nodes, {
    metadata: {
      labels: { 'node-role.kubernetes.io/control-plane': '', 'node-role.kubernetes.io/worker': '' }
    },
    spec: { unschedulable: true },
    status: {
      capacity: { cpu: '2000m' },
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }]
    }
  })
  t.same(node.status?.allocatable, { cpu: '2' })
  t.match(cells(nodes, node, new Date()), {
    Status: 'Ready,SchedulingDisabled',
    Roles: 'control-plane,worker',
    'Internal-IP': '10.0.0.1',
    'External-IP': '<none>',
    'OS-Image': '<unknown>'
  })
  t.equal(nodes.selectableFields?.['spec.unschedulable']?.(node), 'true')
  t.same(problems(nodes, { spec: { taints: [{ key: 'a', effect: 'Never' }] } }), [
    'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"'
  ])
})

const stored: Event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace: 'default', uid: 'u', resourceVersion: '1' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'Started',
  message: 'm',
  source: { component: 'kubelet', host: 'n' },
  reportingComponent: 'kubelet',
  reportingInstance: 'n',
  count: 3,
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:01:00Z',
  type: 'Normal'
}

t.test('one event, two groups', async (t) => {
  const seen = eventsV1.convert?.fromStored(stored) as EventsEvent
  t.match(seen, {
    apiVersion: 'events.k8s.io/v1',
    regarding: stored.involvedObject,
    note: 'm',
    deprecatedCount: 3,
    deprecatedSource: stored.source,
    reportingController: 'kubelet'
  })
  t.notOk('message' in seen)
  t.same(eventsV1.convert?.toStored(seen), stored, 'and back without loss')
  const now = new Date('2026-01-01T00:02:00Z')
  t.match(cells(events, stored, now), {
    'Last Seen': '60s',
    Object: 'pod/p',
    Source: 'kubelet, n',
    Count: '3',
    Message: 'm'
  })
  t.same(cells(eventsV1, seen, now), cells(events, stored, now))
  t.equal(events.selectableFields?.['involvedObject.name']?.(stored), 'p')
  t.equal(eventsV1.selectableFields?.['regarding.name']?.(seen), 'p')
})

t.test('events stay in the namespace of what they are about', async (t) => {
  t.same(problems(events, { involvedObject: { namespace: 'other' } }), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
  ])
  t.same(problems(events, { involvedObject: { kind: 'Node' } }), [], 'cluster-scoped objects: default')
  t.match(
    problems(eventsV1, { regarding: { namespace: 'default' }, eventTime: '2026-01-01T00:00:00.000000Z' }),
    ['reportingController: Required value', 'reportingInstance: Required value', 'action: Required value']
  )
})

t.test('leases', async (t) => {
  t.same(problems(leases, {}), [])
  t.same(problems(leases, { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }), [
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'
  ])
})

t.test('priority classes', async (t) => {
  t.equal(make(priorityClasses, { value: 5 }).preemptionPolicy, 'PreemptLowerPriority')
  t.same(problems(priorityClasses, { value: 2e9 }), [
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000'
  ])
  t.same(problems(priorityClasses, { value: 1 }, { value: 2 }), [
    'value: Forbidden: may not be changed in an update.'
  ])
  t.same(problems(priorityClasses, { metadata: { name: 'system-node-critical' }, value: 2000001000 }), [])
  t.match(problems(priorityClasses, { metadata: { name: 'system-mine' }, value: 1 }), [
    /^metadata.name: Forbidden: priority class names with 'system-' prefix/
  ])
})

t.test('reviews', async (t) => {
  t.same(problems(tokenReviews, {}), ['spec.token: Required value'])
  t.same(problems(selfSubjectAccessReviews, {}), [
    'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified'
  ])
  t.same(problems(selfSubjectAccessReviews, { spec: { resourceAttributes: { verb: 'get' } } }), [])
})
