import t from 'tap'
import type { ConfigMap, Container, Secret, Service } from '../../src/api/types.js'
import { containerEnv } from '../../src/kubelet/env.js'
import { expand } from '../../src/kubelet/expansion.js'
import { serviceVariables } from '../../src/kubelet/service-env.js'
import { container, podObject } from './fixture.js'

const meta = (name: string, namespace = 'default') => ({ name, namespace, uid: name, resourceVersion: '1' })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const configMap: ConfigMap = { metadata: meta('cm'), data: { color: 'red', 'b.c': 'x' } }
const secret: Secret = { metadata: meta('s'), data: { pass: base64('hunter2') } }
const service = (
  name: string,
  namespace: string,
  clusterIP: string,
  ports = [{ name: 'http', port: 80 }]
): Service => ({
  metadata: meta(name, namespace),
  spec: { clusterIP, ports }
})
const services = [
  service('kubernetes', 'default', '10.96.0.1', [{ name: 'https', port: 443 }]),
  service('my-db', 'default', '10.96.0.5', [{ name: 'pg', port: 5432 }]),
  service('other', 'elsewhere', '10.96.0.6'),
  service('headless', 'default', 'None')
]
const facts = { podIps: ['10.0.0.9'], hostIps: ['10.0.0.1'], allocatable: { cpu: '4', memory: '8Gi' } }

async function env(fields: Partial<Container>, enableServiceLinks = false): Promise<Record<string, string>> {
  const pod = podObject('web', {
    containers: [container('app', fields)],
    enableServiceLinks,
    serviceAccountName: 'sa'
  })
  pod.metadata.labels = { a: '1' }
  const sources = {
    configMap: async (_namespace: string, name: string) => (name === 'cm' ? configMap : undefined),
    secret: async (_namespace: string, name: string) => (name === 's' ? secret : undefined)
  }
  const [first = container('app')] = pod.spec.containers
  return Object.fromEntries(await containerEnv({ pod, container: first, sources, services, facts }))
}

t.test('expansion', async (t) => {
  const lookup = (name: string) => ({ A: 'x', EMPTY: '' })[name]
  t.equal(expand('$(A) $$(A) $(B) $A $$ $(', lookup), 'x $(A) $(B) $A $ $(')
  t.equal(expand('[$(EMPTY)]', lookup), '[]')
})

t.test('all sources', async (t) => {
  const from = (valueFrom: object) => ({ name: 'V', valueFrom })
  const value = async (valueFrom: object, resources = {}) =>
    (await env({ env: [from(valueFrom)], resources }))['V']
  t.equal(await value({ configMapKeyRef: { name: 'cm', key: 'color' } }), 'red')
  t.equal(await value({ secretKeyRef: { name: 's', key: 'pass' } }), 'hunter2')
  t.equal(await value({ fieldRef: { fieldPath: 'status.podIP' } }), '10.0.0.9')
  t.equal(await value({ fieldRef: { fieldPath: 'status.hostIPs' } }), '10.0.0.1')
  t.equal(await value({ fieldRef: { fieldPath: "metadata.labels['a']" } }), '1')
  t.equal(await value({ fieldRef: { fieldPath: 'spec.serviceAccountName' } }), 'sa')
  const cpu = { resourceFieldRef: { resource: 'limits.cpu' } }
  t.equal(await value(cpu, { limits: { cpu: '1500m' } }), '2', 'rounded up')
  t.equal(await value(cpu), '4', 'without a limit: the node')
  const memory = { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } }
  t.equal(await value(memory, { requests: { memory: '64Mi' } }), '64')
})

t.test('order and expansion', async (t) => {
  const result = await env({
    envFrom: [{ configMapRef: { name: 'cm' } }, { prefix: 'P_', secretRef: { name: 's' } }],
    env: [
      { name: 'color', value: 'blue' },
      { name: 'SENTENCE', value: '$(color) $(P_pass) $(LATER)' },
      { name: 'LATER', value: 'x' }
    ]
  })
  t.match(result, { color: 'blue', 'b.c': 'x', P_pass: 'hunter2', SENTENCE: 'blue hunter2 $(LATER)' })
})

t.test('what is missing is an error, unless optional', async (t) => {
  const ref = (valueFrom: object) => env({ env: [{ name: 'V', valueFrom }] })
  await t.rejects(ref({ configMapKeyRef: { name: 'no', key: 'k' } }), { message: 'configmap "no" not found' })
  await t.rejects(ref({ configMapKeyRef: { name: 'cm', key: 'k' } }), {
    message: "couldn't find key k in ConfigMap default/cm"
  })
  await t.rejects(ref({ secretKeyRef: { name: 'no', key: 'k' } }), { message: 'secret "no" not found' })
  await t.rejects(env({ envFrom: [{ secretRef: { name: 'no' } }] }), { message: 'secret "no" not found' })
  const optional = await ref({ configMapKeyRef: { name: 'no', key: 'k', optional: true } })
  t.notOk('V' in optional)
})

t.test('service variables', async (t) => {
  const all = Object.fromEntries(serviceVariables(services, 'default', true))
  t.match(all, {
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    MY_DB_SERVICE_HOST: '10.96.0.5',
    MY_DB_SERVICE_PORT_PG: '5432',
    MY_DB_PORT: 'tcp://10.96.0.5:5432',
    MY_DB_PORT_5432_TCP: 'tcp://10.96.0.5:5432',
    MY_DB_PORT_5432_TCP_PROTO: 'tcp',
    MY_DB_PORT_5432_TCP_PORT: '5432',
    MY_DB_PORT_5432_TCP_ADDR: '10.96.0.5'
  })
  t.notOk(Object.keys(all).some((name) => /OTHER|HEADLESS/.test(name)))
  const without = await env({}, false)
  t.equal(without['KUBERNETES_SERVICE_HOST'], '10.96.0.1', 'always there')
  t.notOk('MY_DB_SERVICE_HOST' in without)
  t.equal((await env({ env: [{ name: 'MY_DB_PORT', value: 'own' }] }, true))['MY_DB_PORT'], 'own')
})
