import t from 'tap'
import type { Node, PodSpec } from '../../src/api/types.js'
import { rejectionOf } from '../../src/kubelet/admit.js'
import { container, podObject } from './fixture.js'

const node: Node = {
  metadata: { name: 'node-1', uid: 'n', resourceVersion: '1', labels: { zone: 'a' } },
  spec: {},
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3' } }
}
const needs = (cpu: string) => container('app', { resources: { requests: { cpu } } })
const reject = (spec: Partial<PodSpec>, others: Partial<PodSpec>[] = []) =>
  rejectionOf(
    podObject('web', spec),
    others.map((other) => podObject('other', other)),
    node
  )?.reason

t.test('resources', async (t) => {
  t.equal(reject({ containers: [needs('2')] }), undefined)
  t.equal(reject({ containers: [needs('1500m')] }, [{ containers: [needs('600m')] }]), 'OutOfcpu')
  t.equal(
    reject({ initContainers: [needs('3')], containers: [needs('1')] }),
    'OutOfcpu',
    'init containers count'
  )
  t.equal(reject({ initContainers: [needs('2')], containers: [needs('1')] }), undefined, 'but not on top')
  const gpu = container('app', { resources: { requests: { 'example.com/gpu': '1' } } })
  t.equal(reject({ containers: [gpu] }), 'OutOfexample.com/gpu')
  t.equal(reject({}, [{}, {}, {}]), 'OutOfpods')
})

t.test('host ports', async (t) => {
  const port = (hostPort: number, hostIP = '', protocol = 'TCP') => ({
    containers: [container('app', { ports: [{ containerPort: 80, hostPort, hostIP, protocol }] })]
  })
  t.equal(reject(port(80), [port(80)]), 'NodePorts')
  t.equal(reject(port(80), [port(81)]), undefined)
  t.equal(reject(port(80, '', 'UDP'), [port(80)]), undefined)
  t.equal(reject(port(80, '1.1.1.1'), [port(80, '2.2.2.2')]), undefined)
  t.equal(reject(port(80, '0.0.0.0'), [port(80, '2.2.2.2')]), 'NodePorts')
})

t.test('node selector', async (t) => {
  t.equal(reject({ nodeSelector: { zone: 'a' } }), undefined)
  t.equal(reject({ nodeSelector: { zone: 'b' } }), 'NodeAffinity')
})
