import t from 'tap'
import type { Test } from 'tap'
import { deployments as deploymentKind } from '../../../src/api/kinds/deployments.js'
import { pods as podKind } from '../../../src/api/kinds/pods.js'
import { replicaSets as replicaSetKind } from '../../../src/api/kinds/replica-sets.js'
import type { Deployment, DeploymentSpec, Pod } from '../../../src/api/types.js'
import { systemClock } from '../../../src/base/clock.js'
import { retryOnConflict } from '../../../src/client/retry.js'
import { deploymentController } from '../../../src/controllers/deployment/deployment.js'
import { replicaSetController } from '../../../src/controllers/replica-set/replica-set.js'
import { isActive, isReady } from '../../../src/controllers/support/pods.js'
import { playKubelet, startControllers } from '../../fixtures/control-plane.js'
import { eventually } from '../../fixtures/eventually.js'

const key = { namespace: 'default', name: 'web' }

async function setUp(t: Test, spec: Partial<DeploymentSpec> = {}, ready: (pod: Pod) => boolean = () => true) {
  const plane = await startControllers([deploymentController, replicaSetController])
  const stopKubelet = playKubelet(plane, { isReady: ready })
  t.teardown(async () => {
    stopKubelet()
    await plane.stop()
  })
  const { client, informers } = plane
  await client.of(deploymentKind).create({
    metadata: { ...key },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: template('v1'),
      ...spec
    }
  })
  const get = () => client.of(deploymentKind).get(key)
  const sets = () =>
    informers
      .of(replicaSetKind)
      .list()
      .sort((a, b) => Number(revision(a)) - Number(revision(b)))
  const pods = () => informers.of(podKind).list().filter(isActive)
  const change = (mutate: (deployment: Deployment) => Deployment) =>
    retryOnConflict(systemClock, async () => client.of(deploymentKind).update(mutate(await get())))
  const setImage = (image: string) =>
    change((d) => ({ ...d, spec: { ...d.spec, template: template(image) } }))
  const done = (replicas = 3) =>
    eventually(async () => {
      const { status, metadata } = await get()
      const progress = status?.conditions?.find(({ type }) => type === 'Progressing')
      return (
        status?.observedGeneration === metadata.generation &&
        status?.updatedReplicas === replicas &&
        status.replicas === replicas &&
        status.availableReplicas === replicas &&
        progress?.reason === 'NewReplicaSetAvailable'
      )
    }, 'rollout to be complete')
  return { ...plane, get, sets, pods, change, setImage, done }
}

const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image }] }
})
const revision = (object: { metadata: { annotations?: Record<string, string> | undefined } }) =>
  object.metadata.annotations?.['deployment.kubernetes.io/revision']
const imageOf = (pod: Pod) => pod.spec.containers[0]?.image

t.test('rolls out, names and labels as upstream', async (t) => {
  const { get, sets, pods, done } = await setUp(t)
  await done()
  const deployment = await get()
  const [set] = sets()
  const hash = set?.metadata.labels?.['pod-template-hash']
  t.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{5,10}$/)
  t.equal(set?.metadata.name, `web-${hash ?? ''}`)
  t.same(set?.spec.selector.matchLabels, { app: 'web', 'pod-template-hash': hash })
  t.match(set?.metadata.annotations, {
    'deployment.kubernetes.io/revision': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4'
  })
  t.match(set?.metadata.ownerReferences, [
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true, blockOwnerDeletion: true }
  ])
  t.equal(pods().length, 3)
  for (const pod of pods()) {
    t.ok(pod.metadata.name.startsWith(`web-${hash ?? ''}-`))
    t.match(pod.metadata.ownerReferences, [{ kind: 'ReplicaSet', uid: set?.metadata.uid, controller: true }])
  }
  t.equal(revision(deployment), '1')
  t.match(
    deployment.status?.conditions?.find(({ type }) => type === 'Available'),
    {
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.'
    }
  )
  t.match(
    deployment.status?.conditions?.find(({ type }) => type === 'Progressing'),
    {
      status: 'True',
      message: `ReplicaSet "${set?.metadata.name ?? ''}" has successfully progressed.`
    }
  )
})

t.test('a rolling update keeps within its fences; going back reuses the old set', async (t) => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  const { informers, sets, pods, setImage, done, get } = await setUp(t, { strategy })
  await done()
  const [first] = sets()
  let least = 99
  let most = 0
  const undo = informers.of(podKind).onChange(() => {
    least = Math.min(least, pods().filter(isReady).length)
    most = Math.max(most, pods().length)
  })
  await setImage('v2')
  await done()
  t.ok(least >= 3, `never below 3 ready pods, saw ${String(least)}`)
  t.ok(most <= 4, `never above 4 pods, saw ${String(most)}`)
  t.same(pods().map(imageOf), ['v2', 'v2', 'v2'])
  t.equal(sets().length, 2)
  t.equal(revision(await get()), '2')

  await setImage('v1')
  await done()
  undo()
  t.equal(sets().length, 2)
  t.equal(revision(await get()), '3')
  const again = sets().at(-1)
  t.equal(again?.metadata.uid, first?.metadata.uid)
  t.equal(again?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1')
  t.ok(least >= 3)
})

t.test('a version that does not get ready leaves the old one serving', async (t) => {
  const ready = (pod: Pod) => imageOf(pod) !== 'broken'
  const { pods, setImage, done, get, sets } = await setUp(t, { progressDeadlineSeconds: 1 }, ready)
  await done()
  await setImage('broken')
  await eventually(async () => {
    const progress = (await get()).status?.conditions?.find(({ type }) => type === 'Progressing')
    return progress?.reason === 'ProgressDeadlineExceeded' && progress.status === 'False'
  })
  t.equal(pods().filter((pod) => imageOf(pod) === 'v1' && isReady(pod)).length, 3)
  t.equal(pods().filter((pod) => imageOf(pod) === 'broken').length, 1)
  t.match((await get()).status, { updatedReplicas: 1, replicas: 4, unavailableReplicas: 1, readyReplicas: 3 })
  t.match(
    (await get()).status?.conditions?.find(({ type }) => type === 'Progressing')?.message,
    /has timed out progressing/
  )
  await setImage('v1')
  await done()
  t.equal(sets().length, 2)
})

t.test('Recreate takes the old down before the new comes up', async (t) => {
  const { informers, pods, setImage, done } = await setUp(t, { strategy: { type: 'Recreate' } })
  await done()
  const mixed: string[] = []
  const undo = informers.of(podKind).onChange(() => {
    const images = new Set(informers.of(podKind).list().map(imageOf))
    if (images.size > 1) mixed.push([...images].join())
  })
  await setImage('v2')
  await done()
  undo()
  t.same(mixed, [])
  t.same(pods().map(imageOf), ['v2', 'v2', 'v2'])
})

t.test('scaling and pausing', async (t) => {
  const { sets, pods, change, setImage, done, get } = await setUp(t)
  await done()
  await change((d) => ({ ...d, spec: { ...d.spec, replicas: 5 } }))
  await done(5)
  t.equal(sets().length, 1)
  await change((d) => ({ ...d, spec: { ...d.spec, paused: true } }))
  await eventually(async () => {
    const progress = (await get()).status?.conditions?.find(({ type }) => type === 'Progressing')
    return progress?.reason === 'NewReplicaSetAvailable' || progress?.reason === 'DeploymentPaused'
  })
  await setImage('v2')
  await change((d) => ({ ...d, spec: { ...d.spec, replicas: 2 } }))
  await eventually(() => pods().length === 2)
  t.equal(sets().length, 1, 'nothing rolls out while paused')
  await change((d) => ({ ...d, spec: { ...d.spec, paused: false } }))
  await done(2)
  t.same(pods().map(imageOf), ['v2', 'v2'])
  await change((d) => ({ ...d, spec: { ...d.spec, replicas: 0 } }))
  await done(0)
})

t.test('old sets beyond the history limit go', async (t) => {
  const { sets, setImage, done } = await setUp(t, { revisionHistoryLimit: 1 })
  await done()
  for (const image of ['v2', 'v3', 'v4']) {
    await setImage(image)
    await done()
  }
  await eventually(() => sets().length === 2)
  t.same(sets().map(revision), ['3', '4'])
})

t.test('an orphaned set is adopted; one that no longer matches is released', async (t) => {
  const { client, sets, done, get } = await setUp(t)
  await done()
  const [set] = sets()
  if (!set) throw new Error('no set')
  await client.of(replicaSetKind).patch(set.metadata, 'merge', { metadata: { ownerReferences: [] } })
  await eventually(async () => sets()[0]?.metadata.ownerReferences?.[0]?.uid === (await get()).metadata.uid)
  await client.of(replicaSetKind).patch(set.metadata, 'merge', { metadata: { labels: { app: 'other' } } })
  await eventually(
    () =>
      sets().find(({ metadata }) => metadata.uid === set.metadata.uid)?.metadata.ownerReferences?.length === 0
  )
})

t.test('pods that are lost are replaced', async (t) => {
  const { client, pods, done } = await setUp(t)
  await done()
  const [lost] = pods()
  if (!lost) throw new Error('no pod')
  await client.of(podKind).delete(lost.metadata, { gracePeriodSeconds: 0 })
  await eventually(() => pods().length === 3 && !pods().includes(lost))
  await done()
})

t.test('minReadySeconds delays availability', async (t) => {
  const { get, done } = await setUp(t, { replicas: 1, minReadySeconds: 1 })
  await eventually(async () => (await get()).status?.readyReplicas === 1)
  t.not((await get()).status?.availableReplicas, 1)
  await done(1)
})
