import t from 'tap'
import type { IngressModel } from '../../../src/network/ingress/ingress-model.js'
import { Router } from '../../../src/network/ingress/router.js'

const backend = (service: string) => ({ service, port: 80 })
const ingress = (
  key: string,
  rules: [string, string, 'Exact' | 'Prefix', string][],
  more: Partial<IngressModel> = {}
): IngressModel => ({
  key,
  createdAt: '2026-01-01T00:00:00Z',
  rules: rules.map(([host, path, type, service]) => ({
    host,
    paths: [{ path, type, backend: backend(service) }]
  })),
  defaultBackend: undefined,
  tls: [],
  sslRedirect: false,
  ...more
})
const matcher = (...ingresses: IngressModel[]) => {
  const router = new Router(ingresses)
  return (host: string, path: string) => router.match(host, path)?.backend.service
}

t.test('paths: the table of the Ingress documentation', (t) => {
  const one = (type: 'Exact' | 'Prefix', rule: string, path: string) =>
    matcher(ingress('a', [['', rule, type, 'yes']]))('any', path) === 'yes'
  const cases: ['Exact' | 'Prefix', string, string, boolean][] = [
    ['Prefix', '/', '/anything', true],
    ['Exact', '/foo', '/foo', true],
    ['Exact', '/foo', '/bar', false],
    ['Exact', '/foo', '/foo/', false],
    ['Exact', '/foo/', '/foo', false],
    ['Prefix', '/foo', '/foo', true],
    ['Prefix', '/foo', '/foo/', true],
    ['Prefix', '/foo/', '/foo', true],
    ['Prefix', '/foo/', '/foo/', true],
    ['Prefix', '/aaa/bb', '/aaa/bbb', false],
    ['Prefix', '/aaa/bbb', '/aaa/bbb', true],
    ['Prefix', '/aaa/bbb/', '/aaa/bbb', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbb/', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbb/ccc', true],
    ['Prefix', '/aaa/bbb', '/aaa/bbbxyz', false]
  ]
  for (const [type, rule, path, expected] of cases)
    t.equal(one(type, rule, path), expected, `${type} ${rule} against ${path}`)
  t.end()
})

t.test('the longest path wins, and Exact before Prefix', (t) => {
  const match = matcher(
    ingress('a', [
      ['', '/', 'Prefix', 'root'],
      ['', '/aaa', 'Prefix', 'aaa'],
      ['', '/aaa/bbb', 'Prefix', 'bbb'],
      ['', '/aaa', 'Exact', 'exact']
    ])
  )
  t.same(
    ['/x', '/aaa', '/aaa/', '/aaa/bbb/c'].map((p) => match('h', p)),
    ['root', 'exact', 'aaa', 'bbb']
  )
  t.end()
})

t.test('hosts: exact, then a wildcard over one label, then any', (t) => {
  const match = matcher(
    ingress('a', [
      ['foo.bar.com', '/', 'Prefix', 'exact'],
      ['*.bar.com', '/', 'Prefix', 'wild'],
      ['', '/', 'Prefix', 'any']
    ])
  )
  t.same(
    ['foo.bar.com', 'x.bar.com', 'a.x.bar.com', 'bar.com', 'localhost'].map((h) => match(h, '/')),
    ['exact', 'wild', 'any', 'any', 'any']
  )
  t.end()
})

t.test('default backends and conflicts', (t) => {
  const match = matcher(
    ingress('new', [['h', '/a', 'Exact', 'new']], { createdAt: '2026-02-01T00:00:00Z' }),
    ingress('old', [['h', '/a', 'Exact', 'old']], { defaultBackend: backend('of-old') }),
    ingress('global', [], { defaultBackend: backend('global') })
  )
  t.equal(match('h', '/a'), 'old')
  t.equal(match('h', '/b'), 'of-old')
  t.equal(match('other', '/'), 'global')
  t.equal(matcher()('h', '/'), undefined)
  t.end()
})
