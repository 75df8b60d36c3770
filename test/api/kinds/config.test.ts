import t from 'tap'
import { configMaps } from '../../../src/api/kinds/config-maps.js'
import { secrets } from '../../../src/api/kinds/secrets.js'
import { serviceAccounts } from '../../../src/api/kinds/service-accounts.js'
import { cells, make, problems } from '../support.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

t.test('config maps', async (t) => {
  t.same(problems(configMaps, { data: { 'a.txt': 'x' }, binaryData: { b: base64('y') } }), [])
  t.same(problems(configMaps, { data: { 'a/b': '' } }), [
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. " +
      "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
  ])
  t.same(problems(configMaps, { data: { '..a': '' } }), [
    'data[..a]: Invalid value: "..a": must not start with \'..\''
  ])
  t.same(problems(configMaps, { data: { a: '' }, binaryData: { a: '' } }), [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData'
  ])
  t.same(problems(configMaps, { data: { a: 'x'.repeat(1024 * 1024 + 1) } }), [
    ': Too long: may not be more than 1048576 bytes'
  ])
  t.match(cells(configMaps, make(configMaps, { data: { a: '' }, binaryData: { b: '' } }), new Date()), {
    Data: 2
  })
})

t.test('immutable data', async (t) => {
  const frozen = { immutable: true, data: { a: 'eA==' } }
  t.same(problems(configMaps, { ...frozen, data: { a: 'eQ==' } }, frozen), [
    'data: Forbidden: field is immutable when `immutable` is set'
  ])
  t.same(problems(configMaps, { data: { a: 'eA==' } }, frozen), [
    'immutable: Forbidden: field is immutable when `immutable` is set'
  ])
  t.same(problems(secrets, { ...frozen, data: {} }, frozen), [
    'data: Forbidden: field is immutable when `immutable` is set'
  ])
  t.same(problems(secrets, { ...frozen, metadata: { labels: { a: 'b' } } }, frozen), [])
})

t.test('secrets take plain text and store it encoded', async (t) => {
  const made = make(secrets, { stringData: { a: 'plain' }, data: { a: base64('old'), b: base64('kept') } })
  t.same(made.data, { a: base64('plain'), b: base64('kept') })
  t.equal(made.stringData, undefined)
  t.equal(made.type, 'Opaque')
})

t.test('secret types need their keys', async (t) => {
  t.same(problems(secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }), [
    'data[tls.key]: Required value'
  ])
  t.same(problems(secrets, { type: 'kubernetes.io/basic-auth' }), [
    'data[username]: Required value',
    'data[password]: Required value'
  ])
  t.same(
    problems(secrets, { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{') } }),
    ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character in JSON']
  )
  t.same(problems(secrets, { type: 'kubernetes.io/service-account-token' }), [
    'metadata.annotations[kubernetes.io/service-account.name]: Required value'
  ])
  t.same(problems(secrets, { type: 'a' }, { type: 'b' }), ['type: Invalid value: "a": field is immutable'])
})

t.test('service accounts', async (t) => {
  t.match(cells(serviceAccounts, make(serviceAccounts, {}), new Date()), { Secrets: 0 })
  t.same(serviceAccounts.subresources[0]?.bodyKind, {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest'
  })
})
