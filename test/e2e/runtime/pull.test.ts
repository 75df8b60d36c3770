import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { openDocker } from './docker-host.js'

t.setTimeout(60_000)

void t.test("pulls that fail say why, in the engine's words", async (t) => {
  const { runtime, cleanup } = await openDocker('pull')
  t.teardown(cleanup)
  // A registry that has nothing; engines speak plain HTTP to those on loopback addresses.
  const registry = createServer((request, response) => {
    const known = request.url === '/v2/'
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
    response.end(known ? '{}' : '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${String((registry.address() as AddressInfo).port)}`
  await t.rejects(runtime.images.pull(`${host}/none:1`, {}), {
    code: 'MK_IMAGE_NOT_FOUND',
    message: /manifest/
  })
  registry.closeAllConnections()
  await new Promise((resolve) => registry.close(resolve))
  await t.rejects(runtime.images.pull(`${host}/none:1`, {}), {
    code: 'MK_ENGINE_FAILED',
    message: /connection refused/
  })
  const abort = new AbortController()
  abort.abort()
  await t.rejects(runtime.images.pull(`${host}/none:1`, { signal: abort.signal }), {
    code: 'MK_ENGINE_TIMEOUT',
    message: /was cancelled/
  })
})
