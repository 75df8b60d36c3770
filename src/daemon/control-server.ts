import { chmodSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import fastify from 'fastify'
import type { DaemonStatus, ProgressEvent, UpOptions } from '../base/control.js'
import { isMkError } from '../base/errors.js'
import { controlErrorOf } from './control-error.js'

/** What the control socket can ask of the daemon. */
export interface ControlTarget {
  status(): DaemonStatus
  up(cluster: string, options: UpOptions): Promise<void>
  down(cluster: string): Promise<void>
  delete(cluster: string): Promise<void>
  /** Begins to stop the daemon; the answer goes out before it ends. */
  stop(): void
  onProgress(listener: (event: ProgressEvent) => void): () => void
}

/** Serves the control protocol (base/control.ts) on a unix socket that only this user may open. */
export async function startControlServer(options: {
  socketPath: string
  target: ControlTarget
}): Promise<{ close: () => Promise<void> }> {
  const { socketPath, target } = options
  const server = fastify({ forceCloseConnections: true })
  server.setErrorHandler(async (error, _request, reply) => {
    const code = isMkError(error, 'MK_INPUT') ? 400 : isMkError(error, 'MK_CLUSTER_UNKNOWN') ? 404 : 500
    return reply.status(code).send({ error: controlErrorOf(error) })
  })
  server.get('/status', async () => target.status())
  server.get('/events', (request, reply) => {
    reply.hijack()
    streamProgress(target, reply.raw)
  })
  server.post<{ Params: { name: string }; Body: UpOptions | null }>('/clusters/:name/up', async (request) => {
    await target.up(request.params.name, request.body ?? {})
    return target.status()
  })
  server.post<{ Params: { name: string } }>('/clusters/:name/down', async (request) => {
    await target.down(request.params.name)
    return target.status()
  })
  server.post<{ Params: { name: string } }>('/clusters/:name/delete', async (request) => {
    await target.delete(request.params.name)
    return target.status()
  })
  server.post('/stop', async (_request, reply) => {
    reply.raw.once('close', () => {
      target.stop()
    })
    return target.status()
  })
  // The lock is held: a socket that is still there belongs to a daemon that died.
  rmSync(socketPath, { force: true })
  await server.listen({ path: socketPath })
  chmodSync(socketPath, 0o600)
  return { close: () => server.close() }
}

function streamProgress(target: ControlTarget, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  const unsubscribe = target.onProgress((event) => response.write(JSON.stringify(event) + '\n'))
  response.on('close', unsubscribe)
}
