import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Secret } from '../../../src/api/types.js'
import { credentialsFor } from '../../../src/kubelet/images/credentials.js'
import { ImageManager } from '../../../src/kubelet/images/image-manager.js'
import { parseImageReference } from '../../../src/kubelet/images/reference.js'
import type { Images, ImageState, RegistryAuth } from '../../../src/runtime/runtime.js'
import { FakeClock, settle } from '../../fixtures/fake-clock.js'
import { container, podObject } from '../fixture.js'

const image = (digests: string[] = []): ImageState => ({
  id: 'sha256:1',
  tags: [],
  digests,
  sizeBytes: 7,
  user: '',
  entrypoint: [],
  cmd: [],
  volumes: []
})

function setup(options: {
  local?: ImageState
  pull?: (auth: RegistryAuth | undefined, signal: AbortSignal | undefined) => Promise<ImageState>
}) {
  const clock = new FakeClock()
  const pulls: string[] = []
  const images: Images = {
    inspect: async () => options.local,
    list: async () => [],
    remove: async () => {},
    pull: async (reference, { auth, signal }) => {
      pulls.push(reference)
      return (options.pull ?? (async () => image()))(auth, signal)
    }
  }
  const manager = new ImageManager({
    images,
    clock,
    sources: { secret: async () => undefined },
    dockerConfigPath: undefined,
    backoffMs: 10_000,
    backoffMaxMs: 300_000
  })
  const events: string[] = []
  const ensure = (policy: string, name = 'app:1', pod = podObject('web')) =>
    manager.ensure(
      pod,
      container('app', { image: name, imagePullPolicy: policy }),
      (_type, reason, message) => events.push(`${reason}: ${message}`)
    )
  return { clock, pulls, events, ensure, manager }
}
const refused = async () => {
  throw new Error('pull access denied')
}

t.test('policies', async (t) => {
  const there = setup({ local: image() })
  await there.ensure('IfNotPresent')
  await there.ensure('Never')
  t.same(there.pulls, [])
  t.same(there.events[0], 'Pulled: Container image "app:1" already present on machine')
  const absent = setup({})
  await absent.ensure('IfNotPresent')
  t.same(absent.pulls, ['app:1'])
  t.match(absent.events, [
    'Pulling: Pulling image "app:1"',
    /^Pulled: Successfully pulled image "app:1" in 0s/
  ])
  await t.rejects(absent.ensure('Never'), {
    reason: 'ErrImageNeverPull',
    message: 'Container image "app:1" is not present with pull policy of Never'
  })
  await t.rejects(absent.ensure('Always', 'A b'), { reason: 'InvalidImageName', message: /./ })
})

t.test(
  'Always: what was built here is used; what came from a registry is pulled, and used when that fails',
  async (t) => {
    const built = setup({ local: image(), pull: refused })
    await built.ensure('Always')
    t.same(built.pulls, [])
    const pulled = setup({ local: image(['app@sha256:1']) })
    await pulled.ensure('Always')
    t.same(pulled.pulls, ['app:1'])
    const offline = setup({ local: image(['app@sha256:1']), pull: refused })
    t.equal((await offline.ensure('Always')).id, 'sha256:1')
    t.match(offline.events, [
      /^Pulling/,
      'Failed: Failed to pull image "app:1": pull access denied',
      /using the one on the machine/
    ])
  }
)

t.test('a registry that hangs is given up when the image is there', async (t) => {
  const hanging = setup({
    local: image(['app@sha256:1']),
    pull: (_auth, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error)
        })
      )
  })
  const answer = hanging.ensure('Always')
  await settle()
  await hanging.clock.advance(10_000)
  t.equal((await answer).id, 'sha256:1')
})

t.test('failures back off', async (t) => {
  const failing = setup({ pull: refused })
  await t.rejects(failing.ensure('IfNotPresent'), {
    reason: 'ErrImagePull',
    message: 'failed to pull image "app:1": pull access denied'
  })
  await t.rejects(failing.ensure('IfNotPresent'), {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "app:1": ErrImagePull: failed to pull image "app:1": pull access denied'
  })
  t.equal(failing.pulls.length, 1)
  await failing.clock.advance(10_000)
  await t.rejects(failing.ensure('IfNotPresent'), { reason: 'ErrImagePull', message: /./ })
  await failing.clock.advance(10_000)
  await t.rejects(
    failing.ensure('IfNotPresent'),
    { reason: 'ImagePullBackOff', message: /./ },
    'twice as long'
  )
  failing.manager.forgetPod('uid-1')
  await t.rejects(failing.ensure('IfNotPresent'), { reason: 'ErrImagePull', message: /./ })
})

t.test('pods share one pull', async (t) => {
  let finish: (state: ImageState) => void = () => {}
  const shared = setup({ pull: () => new Promise((resolve) => (finish = resolve)) })
  const both = [shared.ensure('IfNotPresent'), shared.ensure('IfNotPresent', 'app:1', podObject('other'))]
  await settle()
  finish(image())
  await Promise.all(both)
  t.same(shared.pulls, ['app:1'])
})

t.test('image names', async (t) => {
  t.same(parseImageReference('nginx'), { registry: 'docker.io', repository: 'library/nginx' })
  t.same(parseImageReference('team/app:v1'), { registry: 'docker.io', repository: 'team/app' })
  t.same(parseImageReference('localhost:5000/app'), { registry: 'localhost:5000', repository: 'app' })
  t.same(parseImageReference(`ghcr.io/a/b/c@sha256:${'0'.repeat(64)}`), {
    registry: 'ghcr.io',
    repository: 'a/b/c'
  })
  for (const bad of ['', 'UPPER', 'a b', 'a:', ':tag', 'a@sha256:xyz', '/a'])
    t.equal(parseImageReference(bad), undefined, bad)
})

t.test('credentials: pull secrets, then the Docker config', async (t) => {
  const auth = (user: string) => ({ auth: Buffer.from(`${user}:pw`).toString('base64') })
  const secret: Secret = {
    metadata: { name: 'regcred', namespace: 'default', uid: '1', resourceVersion: '1' },
    type: 'kubernetes.io/dockerconfigjson',
    data: {
      '.dockerconfigjson': Buffer.from(
        JSON.stringify({
          auths: {
            'ghcr.io': auth('all'),
            'ghcr.io/team': auth('team'),
            'https://index.docker.io/v1/': auth('hub')
          }
        })
      ).toString('base64')
    }
  }
  const directory = mkdtempSync(join(tmpdir(), 'mk-docker-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  const dockerConfigPath = join(directory, 'config.json')
  writeFileSync(
    dockerConfigPath,
    JSON.stringify({
      auths: { '*.example.com': { username: 'u', password: 'p' } },
      credsStore: 'does-not-exist'
    })
  )
  const users = async (name: string) =>
    (
      await credentialsFor(
        name,
        podObject('web', { imagePullSecrets: [{ name: 'regcred' }, { name: 'gone' }] }),
        {
          sources: { secret: async (_namespace, wanted) => (wanted === 'regcred' ? secret : undefined) },
          dockerConfigPath
        }
      )
    ).map(({ username }) => username)
  t.same(await users('ghcr.io/team/app'), ['team', 'all'], 'the closest first')
  t.same(await users('ghcr.io/other/app'), ['all'])
  t.same(await users('nginx'), ['hub'])
  t.same(await users('r1.example.com/app'), ['u'])
  t.same(await users('quay.io/app'), [])
})
