import t from 'tap'
import type { Test } from 'tap'
import { endpointSlices as endpointSliceKind } from '../../../src/api/kinds/endpoint-slices.js'
import { endpoints as endpointsKind } from '../../../src/api/kinds/endpoints.js'
import { pods as podKind } from '../../../src/api/kinds/pods.js'
import { services as serviceKind } from '../../../src/api/kinds/services.js'
import type { ServiceSpec } from '../../../src/api/types.js'
import { endpointSliceController } from '../../../src/controllers/endpoints/endpoint-slice.js'
import { endpointsController } from '../../../src/controllers/endpoints/endpoints.js'
import { endpointSliceMirroringController } from '../../../src/controllers/endpoints/mirroring.js'
import { garbageCollector } from '../../../src/controllers/garbage-collector/garbage-collector.js'
import { setReady, startControllers } from '../../fixtures/control-plane.js'
import { eventually } from '../../fixtures/eventually.js'

const namespace = 'default'
const factories = [
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  garbageCollector
]

async function setUp(t: Test) {
  const plane = await startControllers(factories)
  t.teardown(() => plane.stop())
  const { client } = plane
  const service = (spec: ServiceSpec) =>
    client.of(serviceKind).create({ metadata: { name: 'web', namespace }, spec })
  const pod = async (name: string, port = 8080, finalizers: string[] = []) => {
    const created = await client.of(podKind).create({
      metadata: { name, namespace, labels: { app: 'web' }, finalizers },
      spec: { containers: [{ name: 'c', image: 'app', ports: [{ name: 'http', containerPort: port }] }] }
    })
    await setReady(plane, created)
    return created
  }
  const slices = async () => (await client.of(endpointSliceKind).list({ namespace })).items
  const endpoints = () => client.of(endpointsKind).get({ namespace, name: 'web' })
  return { ...plane, service, pod, slices, endpoints }
}

const webPort = { name: 'http', port: 80, targetPort: 'http' }

t.test('follows readiness and termination; named ports are looked up in each pod', async (t) => {
  const plane = await setUp(t)
  const { client, service, pod, slices, endpoints } = plane
  await service({ selector: { app: 'web' }, ports: [webPort] })
  await eventually(async () => (await slices()).length === 1, 'an empty slice')
  t.same((await slices())[0]?.endpoints ?? [], [])
  const one = await pod('one', 8080, ['example.com/hold'])
  await eventually(async () => (await slices()).some((slice) => slice.ports?.[0]?.port === 8080))
  const [slice] = await slices()
  t.match(slice?.metadata.labels, {
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io'
  })
  t.match(slice?.metadata.ownerReferences, [{ kind: 'Service', name: 'web', controller: true }])
  t.match(slice?.endpoints, [
    {
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: 'one' }
    }
  ])
  t.same(slice?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }])
  await eventually(async () => (await endpoints()).subsets?.[0]?.addresses?.length === 1)

  await setReady(plane, one, false)
  await eventually(async () => (await slices())[0]?.endpoints?.[0]?.conditions?.ready === false)
  await eventually(async () => (await endpoints()).subsets?.[0]?.notReadyAddresses?.length === 1)
  await setReady(plane, one, true)
  await pod('two', 9090)
  await eventually(async () => (await slices()).length === 2, 'a slice for the other port')

  await client.of(podKind).delete(one.metadata)
  await eventually(async () => {
    const all = (await slices()).flatMap((item) => item.endpoints ?? [])
    const found = all.find(({ targetRef }) => targetRef?.name === 'one')?.conditions
    return found?.terminating === true && found.ready === false && found.serving === true
  }, 'the terminating pod to be serving but not ready')
  await eventually(async () => (await endpoints()).subsets?.length === 1)
  await client.of(podKind).patch(one.metadata, 'merge', { metadata: { finalizers: null } })
  await eventually(async () => (await slices()).length === 1)
  await client.of(serviceKind).delete({ namespace, name: 'web' })
  await eventually(async () => (await slices()).length === 0)
  await eventually(async () => (await client.of(endpointsKind).list({ namespace })).items.length === 0)
})

t.test('publishNotReadyAddresses', async (t) => {
  const plane = await setUp(t)
  const { service, pod, slices, endpoints } = plane
  await service({
    clusterIP: 'None',
    selector: { app: 'web' },
    publishNotReadyAddresses: true,
    ports: [webPort]
  })
  await setReady(plane, await pod('one'), false)
  await eventually(async () => {
    const conditions = (await slices())[0]?.endpoints?.[0]?.conditions
    return conditions?.ready === true && conditions.serving === false
  })
  t.equal((await slices())[0]?.metadata.labels?.['service.kubernetes.io/headless'], '')
  await eventually(async () => (await endpoints()).subsets?.[0]?.addresses?.length === 1)
})

t.test('Endpoints of a service without selector are mirrored into one slice', async (t) => {
  const { client, service, slices } = await setUp(t)
  await service({ ports: [{ port: 80 }] })
  const subsets = (...ips: string[]) => [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 80 }] }]
  const made = await client
    .of(endpointsKind)
    .create({ metadata: { name: 'web', namespace }, subsets: subsets('10.1.2.3') })
  const addresses = async () =>
    (await slices()).map((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses))
  await eventually(async () => (await addresses()).join() === '10.1.2.3')
  t.equal(
    (await slices())[0]?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io'
  )
  await client.of(endpointsKind).update({ ...made, subsets: subsets('10.1.2.3', '10.1.2.4') })
  await eventually(async () => (await addresses()).join() === '10.1.2.3,10.1.2.4')
  t.equal((await slices()).length, 1)
  await client.of(endpointsKind).delete(made.metadata)
  await eventually(async () => (await slices()).length === 0)
})
