import t from 'tap'
import { endpointSlices } from '../../../src/api/kinds/endpoint-slices.js'
import { endpoints } from '../../../src/api/kinds/endpoints.js'
import { ingressClasses } from '../../../src/api/kinds/ingress-classes.js'
import { ingresses } from '../../../src/api/kinds/ingresses.js'
import { cells, make, problems } from '../support.js'

const backend = { service: { name: 'web', port: { number: 80 } } }
const path = (rest: object = {}) => ({ path: '/', pathType: 'Prefix', backend, ...rest })
const ingress = (...paths: object[]) => ({ spec: { rules: [{ host: 'a.example', http: { paths } }] } })

t.test('ingresses', async (t) => {
  t.same(problems(ingresses, ingress(path())), [])
  const at = 'spec.rules[0].http.paths[0]'
  const cases: [object, string[]][] = [
    [{ spec: {} }, ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified']],
    [ingress(path({ pathType: undefined })), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      ingress(path({ pathType: 'Regex' })),
      [
        `${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`
      ]
    ],
    [ingress(path({ path: 'x' })), [`${at}.path: Invalid value: "x": must be an absolute path`]],
    [ingress(path({ path: '/a//b' })), [`${at}.path: Invalid value: "/a//b": must not contain '//'`]],
    [ingress(path({ path: '/a/..' })), [`${at}.path: Invalid value: "/a/..": cannot end with '/..'`]],
    [
      ingress(path({ backend: {} })),
      [`${at}.backend: Required value: cannot have both resource and service empty`]
    ],
    [
      ingress(path({ backend: { service: { name: 'web' } } })),
      [`${at}.backend.service: Required value: port name or number is required`]
    ],
    [
      ingress(path({ backend: { service: { name: 'web', port: { name: 'a', number: 1 } } } })),
      [`${at}.backend.service: Invalid value: "": cannot set both port name & port number`]
    ],
    [
      ingress(path({ backend: { resource: { kind: 'Bucket', name: 'b' } } })),
      [`${at}.backend.resource: Forbidden: mk routes to services only`]
    ],
    [
      { spec: { rules: [{ host: '10.0.0.1', http: { paths: [path()] } }] } },
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']
    ],
    [ingress(), ['spec.rules[0].http.paths: Required value']]
  ]
  for (const [object, expected] of cases) t.same(problems(ingresses, object), expected, expected[0] ?? '')
  t.same(problems(ingresses, { spec: { rules: [{ host: '*.example.com', http: { paths: [path()] } }] } }), [])
  const made = make(ingresses, {
    spec: { ingressClassName: 'mk', tls: [{}], rules: ['a', 'b', 'c', 'd'].map((host) => ({ host })) },
    status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } }
  })
  t.match(cells(ingresses, made, new Date()), {
    Class: 'mk',
    Hosts: 'a,b,c + 1 more...',
    Address: '127.0.0.1',
    Ports: '80, 443'
  })
})

t.test('ingress classes', async (t) => {
  t.same(problems(ingressClasses, { spec: { controller: 'mk.dev/ingress' } }), [])
  t.same(problems(ingressClasses, { spec: {} }), ['spec.controller: Required value'])
  t.same(problems(ingressClasses, { spec: { controller: 'a.b/c' } }, { spec: { controller: 'a.b/d' } }), [
    'spec.controller: Invalid value: "a.b/c": field is immutable'
  ])
})

t.test('endpoints', async (t) => {
  const subset = {
    addresses: [{ ip: '10.1.0.4' }, { ip: '10.1.0.5' }],
    ports: [{ port: 80 }, { name: 'b', port: 81 }]
  }
  t.same(problems(endpoints, { subsets: [subset] }), ['subsets[0].ports[0].name: Required value'])
  t.same(problems(endpoints, { subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] }), [
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'
  ])
  t.same(problems(endpoints, { subsets: [{}] }), [
    'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'
  ])
  t.match(cells(endpoints, make(endpoints, { subsets: [subset] }), new Date()), {
    Endpoints: '10.1.0.4:80,10.1.0.5:80,10.1.0.4:81 + 1 more...'
  })
})

t.test('endpoint slices', async (t) => {
  const slice = (rest: object = {}) => ({
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.4'] }],
    ports: [{ port: 80 }],
    ...rest
  })
  t.same(problems(endpointSlices, slice()), [])
  t.match(make(endpointSlices, slice()), {
    endpoints: [{ conditions: {} }],
    ports: [{ name: '', protocol: 'TCP' }]
  })
  t.same(problems(endpointSlices, slice({ addressType: undefined })).slice(0, 1), [
    'addressType: Required value'
  ])
  t.same(problems(endpointSlices, slice({ endpoints: [{ addresses: ['x'] }] })), [
    'endpoints[0].addresses[0]: Invalid value: "x": must be a valid IPv4 address'
  ])
  t.same(problems(endpointSlices, slice({ addressType: 'FQDN', endpoints: [] }), slice()), [
    'addressType: Invalid value: "FQDN": field is immutable'
  ])
  const [made, other] = [make(endpointSlices, slice()), make(endpointSlices, slice({ ports: [] }))]
  t.equal(
    endpointSlices.generation !== undefined &&
      endpointSlices.generation !== false &&
      endpointSlices.generation(made, other),
    true
  )
  t.match(cells(endpointSlices, made, new Date()), {
    AddressType: 'IPv4',
    Ports: '80',
    Endpoints: '10.1.0.4'
  })
})

t.test('settings of other ingress controllers are warned about', async (t) => {
  const annotated = (annotations: object, spec: object = {}) =>
    ingresses.warnings?.(
      make(ingresses, { metadata: { annotations }, spec: { ...ingress(path()).spec, ...spec } })
    ) ?? []
  t.same(annotated({ 'nginx.ingress.kubernetes.io/rewrite-target': '/', 'a.b/c': 'd' }), [
    'metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]: mk does not act on this annotation'
  ])
  t.same(annotated({ 'nginx.ingress.kubernetes.io/ssl-redirect': 'true' }), [], 'mk does redirect')
  t.equal(
    annotated({ 'traefik.ingress.kubernetes.io/router.tls': 'true' }, { ingressClassName: 'mk' }).length,
    1
  )
  t.same(
    annotated({ 'nginx.ingress.kubernetes.io/rewrite-target': '/' }, { ingressClassName: 'nginx' }),
    [],
    'another controller may act on its own'
  )
  const classOf = (controller: string) =>
    ingressClasses.warnings?.(
      make(ingressClasses, { spec: { controller, parameters: { kind: 'K', name: 'n' } } })
    )
  t.same(classOf('mk.dev/ingress'), ["spec.parameters: mk's ingress takes no parameters"])
  t.same(classOf('example.com/other'), [])
})
