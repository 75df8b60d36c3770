import { createServer, type RequestListener } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { resolveEngineAddress } from '../../../src/runtime/docker/connection.js'
import { connectEngine } from '../../../src/runtime/docker/engine.js'

/** An engine that answers as told. */
async function fakeEngine(t: Test, listener: RequestListener) {
  const directory = await mkdtemp(join(tmpdir(), 'mk-engine-'))
  const socket = join(directory, 'docker.sock')
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true, force: true })
  })
  return resolveEngineAddress({ env: { DOCKER_HOST: `unix://${socket}` } })
}

const json =
  (status: number, value: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }

void t.test('no engine, and one that is too old', async (t) => {
  const nobody = resolveEngineAddress({ env: { DOCKER_HOST: 'unix:///no/such.sock' } })
  await t.rejects(connectEngine({ address: nobody }), {
    code: 'MK_ENGINE_UNREACHABLE',
    hint: /systemctl start docker/
  })
  const old = await fakeEngine(t, json(200, { Version: '19.03.1', ApiVersion: '1.40' }))
  await t.rejects(connectEngine({ address: old }), { code: 'MK_ENGINE_TOO_OLD', message: /19\.03\.1/ })
})

void t.test('an engine that hangs, and one that refuses', async (t) => {
  const hanging = await fakeEngine(t, () => undefined)
  await t.rejects(connectEngine({ address: hanging, timeoutMs: 50 }), {
    code: 'MK_ENGINE_TIMEOUT',
    message: /0\.05 s/
  })
  const failing = await fakeEngine(t, (request, response) => {
    if (request.url === '/version')
      json(200, { Version: '29.0.0', ApiVersion: '1.52', Arch: 'arm64' })(request, response)
    else if (request.url === '/info')
      json(200, { NCPU: 4, Architecture: 'aarch64', CgroupVersion: '2', SecurityOptions: null })(
        request,
        response
      )
    else
      json(request.url?.includes('missing') ? 404 : 500, { message: 'write /x: no space left on device' })(
        request,
        response
      )
  })
  const engine = await connectEngine({ address: failing })
  const { modem } = engine.docker as unknown as { modem: { agent: object } }
  t.equal(inspect(modem.agent, { showHidden: true, depth: null }), 'Agent', 'as docker-modem does each time')
  t.match(engine.info, { engineVersion: '29.0.0', architecture: 'arm64', cpus: 4, cgroupVersion: '2' })
  await t.rejects(
    engine.call('list', () => engine.docker.listContainers()),
    { code: 'MK_DISK_FULL' }
  )
  engine.close()
})
