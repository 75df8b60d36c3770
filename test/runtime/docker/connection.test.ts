import { createHash } from 'node:crypto'
import t from 'tap'
import { resolveEngineAddress } from '../../../src/runtime/docker/connection.js'

const reader = (files: Record<string, string>) => (path: string) => files[path]
const id = (name: string) => createHash('sha256').update(name).digest('hex')

void t.test('DOCKER_HOST wins, with its certificates', (t) => {
  const read = reader({ '/certs/ca.pem': 'CA', '/certs/cert.pem': 'CERT', '/certs/key.pem': 'KEY' })
  t.match(resolveEngineAddress({ env: { HOME: '/home/u', DOCKER_HOST: 'unix:///run/other.sock' }, read }), {
    socketPath: '/run/other.sock',
    source: 'DOCKER_HOST'
  })
  const env = {
    HOME: '/home/u',
    DOCKER_HOST: 'tcp://engine:2376',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/certs'
  }
  t.match(resolveEngineAddress({ env, read }), {
    hostname: 'engine',
    port: 2376,
    tls: { ca: 'CA', cert: 'CERT', key: 'KEY' }
  })
  t.match(resolveEngineAddress({ env: { DOCKER_HOST: 'engine:2375' }, read }), {
    hostname: 'engine',
    port: 2375,
    tls: undefined
  })
  t.end()
})

void t.test('then the context of the docker command, then the default socket', (t) => {
  const directory = `/home/u/.docker/contexts`
  const read = reader({
    '/home/u/.docker/config.json': '{"currentContext":"desk"}',
    [`${directory}/meta/${id('desk')}/meta.json`]:
      '{"Endpoints":{"docker":{"Host":"unix:///home/u/desk.sock"}}}',
    [`${directory}/meta/${id('far')}/meta.json`]: '{"Endpoints":{"docker":{"Host":"tcp://far:2376"}}}',
    [`${directory}/tls/${id('far')}/docker/ca.pem`]: 'CA'
  })
  t.match(resolveEngineAddress({ env: { HOME: '/home/u' }, read }), {
    socketPath: '/home/u/desk.sock',
    source: /"desk"/
  })
  t.match(resolveEngineAddress({ env: { HOME: '/home/u', DOCKER_CONTEXT: 'far' }, read }), {
    hostname: 'far',
    tls: { ca: 'CA' }
  })
  t.match(resolveEngineAddress({ env: { HOME: '/home/u', DOCKER_CONTEXT: 'default' }, read }), {
    socketPath: '/var/run/docker.sock'
  })
  t.match(resolveEngineAddress({ env: { HOME: '/nobody' }, read }), { socketPath: '/var/run/docker.sock' })
  t.end()
})

void t.test('what cannot be used is told, with what to do', (t) => {
  const resolve = (env: Record<string, string>) => () => resolveEngineAddress({ env, read: () => undefined })
  t.throws(resolve({ DOCKER_HOST: 'ssh://box' }), { code: 'MK_UNSUPPORTED', hint: /ssh -L/ })
  t.throws(resolve({ DOCKER_HOST: 'gopher://box' }), { code: 'MK_INPUT' })
  t.throws(resolve({ DOCKER_HOST: 'tcp://box:99999' }), { code: 'MK_INPUT' })
  t.throws(resolve({ DOCKER_CONTEXT: 'gone' }), { code: 'MK_INPUT', message: /"gone" does not exist/ })
  t.end()
})
