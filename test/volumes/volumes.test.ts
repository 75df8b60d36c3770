import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { findVolumePlugin, volumeTypeOf } from '../../src/volumes/registry.js'
import { resolveSubPath } from '../../src/volumes/sub-path.js'
import { volumeFixture } from './fixture.js'

t.test('configMap and secret: keys, items, modes, optional, updates', async (t) => {
  const v = volumeFixture(t)
  const read = (name: string) => readFileSync(join(v.directory, name), 'utf8')
  const shown = () => readdirSync(v.directory).filter((name) => !name.startsWith('..'))
  await t.rejects(v.mount({ configMap: { name: 'cm' } }), { message: 'configmap "cm" not found' })
  await v.mount({ configMap: { name: 'cm', optional: true } })
  t.same(shown(), [], 'an empty directory that fills later')
  v.setConfigMap('cm', { a: 'one', b: 'two' }, { bin: Buffer.from([0, 255]).toString('base64') })
  t.same(await v.mount({ configMap: { name: 'cm', optional: true } }), { type: 'bind', source: v.directory })
  t.same(shown(), ['a', 'b', 'bin'])
  t.same(readFileSync(join(v.directory, 'bin')), Buffer.from([0, 255]))
  v.setConfigMap('cm', { a: 'new' })
  await v.mount({ configMap: { name: 'cm' } })
  t.same(shown(), ['a'])
  t.equal(read('a'), 'new')

  v.setSecret('s', { user: 'me', pass: 'secret' })
  await v.mount({
    secret: { secretName: 's', defaultMode: 0o440, items: [{ key: 'pass', path: 'deep/p', mode: 0o444 }] }
  })
  t.same(shown(), ['deep'])
  t.equal(read('deep/p'), 'secret')
  t.equal(statSync(join(v.directory, 'deep/p')).mode & 0o777, 0o444)
  await t.rejects(v.mount({ secret: { secretName: 's', items: [{ key: 'no', path: 'x' }] } }), {
    message: 'secret references non-existent secret key: no'
  })
  await t.rejects(v.mount({ secret: { secretName: 'no' } }), { message: 'secret "no" not found' })
})

t.test('downwardAPI', async (t) => {
  const v = volumeFixture(t)
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'app', resource: 'limits.cpu' } },
    { path: 'memory', resourceFieldRef: { containerName: 'app', resource: 'limits.memory', divisor: '1Ki' } }
  ]
  await v.mount({ downwardAPI: { items } })
  const read = (name: string) => readFileSync(join(v.directory, name), 'utf8')
  t.equal(read('labels'), 'a="x\\"y"\nb="2"')
  t.equal(read('cpu'), '4')
  t.equal(read('memory'), '65536')
  await t.rejects(v.mount({ downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'spec.nope' } }] } }))
})

t.test('projected', async (t) => {
  const v = volumeFixture(t)
  v.setConfigMap('kube-root-ca.crt', { 'ca.crt': 'PEM' })
  v.setSecret('s', { key: 'value' })
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    { secret: { name: 's' } }
  ]
  const mounted = await v.mount({ projected: { sources } })
  t.same(mounted.refreshAt, new Date(5))
  const read = (name: string) => readFileSync(join(v.directory, name), 'utf8')
  t.same(['token', 'ca.crt', 'namespace', 'key'].map(read), ['token-api', 'PEM', 'default', 'value'])
  await t.rejects(v.mount({ projected: { sources: [{ clusterTrustBundle: { path: 'x' } }] } }), {
    message: 'projected source clusterTrustBundle is not supported'
  })
})

t.test('emptyDir', async (t) => {
  const v = volumeFixture(t)
  await v.mount({ emptyDir: {} })
  t.equal(statSync(v.directory).mode & 0o777, 0o777)
  const memory = await v.mount({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } })
  t.same(memory, { type: 'volume', source: 'mk-u1-v', heldBySandbox: true })
  const volume = { name: 'v', emptyDir: { medium: 'Memory' } }
  await findVolumePlugin(volume)?.unmount?.(volume, v.context)
  t.same(v.engine, ['create mk-u1-v 1048576', 'remove mk-u1-v'])
  await t.rejects(v.mount({ emptyDir: { medium: 'HugePages' } }), {
    message: 'unknown storage medium "HugePages"'
  })
})

t.test('hostPath types', async (t) => {
  const v = volumeFixture(t)
  const path = (name: string) => join(v.root, name)
  const mount = (name: string, type?: string) =>
    v.mount({ hostPath: { path: path(name), ...(type === undefined ? {} : { type }) } })
  t.same(await mount('made', 'DirectoryOrCreate'), { type: 'bind', source: path('made') })
  await mount('made', 'Directory')
  await mount('also')
  t.ok(statSync(path('also')).isDirectory())
  await mount('file', 'FileOrCreate')
  await mount('file', 'File')
  await t.rejects(mount('file', 'Directory'), {
    message: `hostPath type check failed: ${path('file')} is not a directory`
  })
  await t.rejects(mount('none', 'File'), { message: /is not a file/ })
  await t.rejects(mount('file', 'Socket'), { message: /is not a socket file/ })
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(path('socket'), resolve)
  })
  t.teardown(() => server.close())
  await mount('socket', 'Socket')
  await v.mount({ hostPath: { path: '/dev/null', type: 'CharDevice' } })
})

t.test('types that mk does not know', async (t) => {
  const volume = { name: 'v', persistentVolumeClaim: { claimName: 'c' } }
  t.equal(findVolumePlugin(volume), undefined)
  t.equal(volumeTypeOf(volume), 'persistentVolumeClaim')
  t.equal(findVolumePlugin({ name: 'v' })?.field, 'emptyDir', 'none is an emptyDir')
})

t.test('subPath', async (t) => {
  const { root } = volumeFixture(t)
  t.equal(await resolveSubPath(root, 'a/b'), join(root, 'a/b'), 'made where it is missing')
  writeFileSync(join(root, 'f'), '')
  t.equal(await resolveSubPath(root, 'f'), join(root, 'f'))
  mkdirSync(join(root, 'real'))
  symlinkSync('real', join(root, 'inside'))
  t.equal(await resolveSubPath(root, 'inside'), join(root, 'real'), 'what a link shows now')
  symlinkSync('/etc', join(root, 'out'))
  await t.rejects(resolveSubPath(root, 'out/passwd'), { message: /leads out of the volume/ })
  await t.rejects(resolveSubPath(root, '../x'), { message: /must not contain "\.\."/ })
  await t.rejects(resolveSubPath(root, '/etc'), { message: /must not be an absolute path/ })
})
