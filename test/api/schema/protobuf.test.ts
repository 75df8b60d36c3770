import t from 'tap'
import { kinds } from '../../../src/api/registry.js'
import { SchemaRegistry } from '../../../src/api/schema/schema-registry.js'

const registry = new SchemaRegistry({ kinds, version: 'v1.36.0' })

/** A small encoder, independent of the code under test. */
const varint = (value: number): Buffer =>
  value < 128
    ? Buffer.of(value)
    : Buffer.concat([Buffer.of((value % 128) | 128), varint(Math.floor(value / 128))])
const bytes = (number: number, ...parts: (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)))
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}
const int = (number: number, value: number): Buffer => Buffer.concat([varint(number * 8), varint(value)])
const negative = (number: number): Buffer =>
  Buffer.concat([varint(number * 8), Buffer.from('ffffffffffffffffff01', 'hex')])
const body = (apiVersion: string, kind: string, ...message: Buffer[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytes(1, bytes(1, apiVersion), bytes(2, kind)),
    bytes(2, ...message),
    bytes(3, ''),
    bytes(4, '')
  ])

t.test('a pod', async (t) => {
  const meta = bytes(
    1,
    bytes(1, 'p'),
    bytes(2, ''),
    bytes(8, ''),
    bytes(11, bytes(1, 'app'), bytes(2, 'x')),
    bytes(11, bytes(1, 'e'), bytes(2, ''))
  )
  const resources = bytes(8, bytes(1, bytes(1, 'cpu'), bytes(2, bytes(1, '100m'))))
  const probe = bytes(
    11,
    bytes(1, bytes(2, bytes(1, '/h'), bytes(2, int(1, 1), int(2, 0), bytes(3, 'http')))),
    int(4, 5)
  )
  const container = bytes(2, bytes(1, 'c'), bytes(2, 'nginx'), bytes(14, ''), resources, probe, int(18, 0))
  const volume = bytes(1, bytes(1, 'v'), bytes(2, bytes(2, bytes(1, 'Memory'))))
  const decoded = registry.decodeProtobuf(
    body('v1', 'Pod', meta, bytes(2, container, volume, int(4, 0), int(11, 1), negative(25)), bytes(3))
  )
  t.same(decoded, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', labels: { app: 'x', e: '' } },
    spec: {
      containers: [
        {
          name: 'c',
          image: 'nginx',
          resources: { limits: { cpu: '100m' } },
          readinessProbe: { httpGet: { path: '/h', port: 'http' }, periodSeconds: 5 }
        }
      ],
      volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }],
      terminationGracePeriodSeconds: 0,
      hostNetwork: true,
      priority: -1
    },
    status: {}
  })
})

t.test('times, raw JSON and bytes', async (t) => {
  const created = bytes(8, int(1, 1767225600))
  const managed = bytes(17, bytes(1, 'kubectl'), bytes(7, bytes(1, '{"f:a":{}}')))
  t.same(
    registry.decodeProtobuf(
      body('v1', 'Secret', bytes(1, bytes(1, 's'), created, managed), bytes(2, bytes(1, 'k'), bytes(2, 'v')))
    ),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      data: { k: 'dg==' },
      metadata: {
        name: 's',
        creationTimestamp: '2026-01-01T00:00:00Z',
        managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:a': {} } }]
      }
    }
  )
  const lease = registry.decodeProtobuf(
    body('coordination.k8s.io/v1', 'Lease', bytes(2, bytes(4, int(1, 1767225600), int(2, 1500000))))
  )
  t.match(lease, { spec: { renewTime: '2026-01-01T00:00:00.001500Z' } })
})

t.test('bodies that are no objects of a served kind', async (t) => {
  t.same(
    registry.decodeProtobuf(
      body(
        'apps/v1',
        'DeleteOptions',
        int(1, 0),
        bytes(2, bytes(1, 'uid')),
        bytes(4, 'Foreground'),
        bytes(5, 'All')
      )
    ),
    {
      apiVersion: 'apps/v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'uid' },
      propagationPolicy: 'Foreground',
      dryRun: ['All']
    }
  )
  t.match(registry.decodeProtobuf(body('autoscaling/v1', 'Scale', bytes(2, int(1, 3)))), {
    kind: 'Scale',
    spec: { replicas: 3 }
  })
  t.match(registry.decodeProtobuf(body('v1', 'Binding', bytes(2, bytes(1, 'Node'), bytes(3, 'n')))), {
    target: { kind: 'Node', name: 'n' }
  })
  t.match(
    registry.decodeProtobuf(
      body('authentication.k8s.io/v1', 'TokenRequest', bytes(2, bytes(1, 'aud'), int(4, 600)))
    ),
    { spec: { audiences: ['aud'], expirationSeconds: 600 } }
  )
  t.match(
    registry.decodeProtobuf(body('policy/v1', 'Eviction', bytes(1, bytes(1, 'p')), bytes(2, int(1, 5)))),
    { metadata: { name: 'p' }, deleteOptions: { gracePeriodSeconds: 5 } }
  )
  t.match(
    registry.decodeProtobuf(
      body(
        'authentication.k8s.io/v1',
        'TokenReview',
        bytes(3, bytes(2, bytes(4, bytes(1, 'k'), bytes(2, bytes(1, 'v')))))
      )
    ),
    { status: { user: { extra: { k: ['v'] } } } }
  )
})

t.test('malformed bodies are a 400, never a crash', async (t) => {
  const good = body(
    'v1',
    'ConfigMap',
    bytes(1, bytes(1, 'c')),
    bytes(2, bytes(1, '__proto__'), bytes(2, 'x'))
  )
  t.equal(JSON.stringify(registry.decodeProtobuf(good)['data']), '{"__proto__":"x"}')
  t.throws(() => registry.decodeProtobuf(Buffer.from('{}')), {
    code: 400,
    message: /does not appear to be a protobuf message/
  })
  t.throws(() => registry.decodeProtobuf(body('v1', 'Nothing')), {
    code: 400,
    message: 'no kind "Nothing" is registered for version "v1"'
  })
  t.throws(
    () => registry.decodeProtobuf(body('v1', 'ConfigMap', bytes(1, bytes(1, Buffer.of(0xff, 0xfe))))),
    { code: 400 }
  )
  t.throws(() => registry.decodeProtobuf(body('v1', 'ConfigMap', int(1, 5))), { code: 400 })
  t.throws(() => registry.decodeProtobuf(body('v1', 'ConfigMap', Buffer.of(0x0b))), {
    code: 400,
    message: /illegal wireType/
  })
  for (let length = 0; length < good.length; length++) {
    try {
      registry.decodeProtobuf(good.subarray(0, length))
    } catch (error) {
      t.match(error, { code: 400 }, `cut at ${String(length)}`)
    }
  }
  let seed = 1
  for (let round = 0; round < 2000; round++) {
    const noisy = Buffer.from(good)
    for (let i = 0; i < 3; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648
      noisy[4 + (seed % (noisy.length - 4))] = (seed >> 8) & 0xff
    }
    try {
      registry.decodeProtobuf(noisy)
    } catch (error) {
      if ((error as { code?: number }).code !== 400) t.fail(`round ${String(round)}: ${String(error)}`)
    }
  }
})

t.test('nesting is limited', async (t) => {
  let schema = bytes(1, 'x')
  for (let i = 0; i < 200; i++) schema = bytes(5, schema)
  t.doesNotThrow(
    () => registry.decodeProtobuf(body('v1', 'ConfigMap', schema)),
    'unknown fields are skipped, not entered'
  )
})
