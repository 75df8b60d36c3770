import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Duplex } from 'node:stream'
import { resolvePaths } from '../../src/base/paths.js'
import type { Io } from '../../src/cli/io.js'
import { runCli } from '../../src/cli/run.js'
import { commands } from '../../src/commands/registry.js'
import { testTls } from './tls.js'

export interface FakeRequest {
  method: string
  path: string
  query: URLSearchParams
  body: unknown
  headers: IncomingMessage['headers']
}

/** The answer's JSON, with status 200 unless `status` says otherwise, or a function that writes the answer itself. */
export type FakeAnswer =
  { status?: number; headers?: Record<string, string>; body: unknown } | ((r: ServerResponse) => void)

/** `GET /api/v1/pods` or `/api/v1/pods` (any method). */
export type FakeRoutes = Record<string, (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>>

interface Teardown {
  teardown: (fn: () => unknown) => unknown
}

export interface FakeApi {
  port: number
  /** All requests but discovery, in order: `GET /api/v1/pods`. */
  requests: FakeRequest[]
  /** Takes WebSocket upgrades. */
  onUpgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
  /** Directory that stands for HOME; holds the kubeconfig. */
  home: string
  run: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>
}

export interface RunOptions {
  input?: string
  signal?: AbortSignal
  cwd?: string
  env?: Record<string, string>
  onStdout?: (text: string) => void
}

export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

/** An HTTPS server in the place of the API server, and the CLI run in this process against it. */
export async function startFakeApi(t: Teardown, routes: FakeRoutes): Promise<FakeApi> {
  const requests: FakeRequest[] = []
  const server = createServer(testTls, (request, response) => {
    void answer(request, response, routes, requests)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const home = mkdtempSync(join(tmpdir(), 'mk-cli-'))
  const api: FakeApi = {
    port,
    requests,
    onUpgrade: undefined,
    home,
    run: (argv, options) => runMk(argv, { ...options, home })
  }
  server.on('upgrade', (request, socket, head) => {
    api.onUpgrade?.(request, socket, head)
  })
  mkdirSync(join(home, '.config/mk'), { recursive: true })
  writeFileSync(join(home, '.config/mk/kubeconfig'), kubeconfigText(port, testTls.cert))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    rmSync(home, { recursive: true, force: true })
  })
  return api
}

export const kubeconfigText = (port: number, ca: string) => `apiVersion: v1
kind: Config
clusters:
- name: mk
  cluster:
    server: https://127.0.0.1:${port}
    certificate-authority-data: ${Buffer.from(ca).toString('base64')}
users:
- name: mk
  user:
    token: secret
contexts:
- name: mk
  context: { cluster: mk, user: mk }
current-context: mk
`

/** Runs one command line in this process. */
export async function runMk(
  argv: readonly string[],
  options: RunOptions & { home: string }
): Promise<RunResult> {
  const env = { HOME: options.home, ...options.env }
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  stdout.on('data', (chunk: Buffer) => options.onStdout?.(chunk.toString()))
  const io: Io = {
    stdin: Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]),
    stdout,
    stderr,
    env,
    cwd: options.cwd ?? options.home,
    paths: resolvePaths(env),
    signal: options.signal ?? new AbortController().signal
  }
  const texts = Promise.all([text(stdout), text(stderr)])
  const code = await runCli(argv, io, commands)
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { code, stdout: out, stderr: err }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: FakeRoutes,
  requests: FakeRequest[]
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://127.0.0.1')
  const method = request.method ?? 'GET'
  const raw = await text(request)
  if (url.pathname === '/api' || url.pathname === '/apis') {
    sendJson(response, 200, url.pathname === '/api' ? coreDiscovery : groupDiscovery)
    return
  }
  const seen: FakeRequest = {
    method,
    path: url.pathname,
    query: url.searchParams,
    body: raw ? (JSON.parse(raw) as unknown) : undefined,
    headers: request.headers
  }
  requests.push(seen)
  const route = routes[`${method} ${url.pathname}`] ?? routes[url.pathname]
  const given = route ? await route(seen) : { status: 404, body: notFound(url.pathname) }
  if (typeof given === 'function') given(response)
  else sendJson(response, given.status ?? 200, given.body, given.headers)
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** The Status of an object that isn't there; the path's last parts are its resource and name. */
export function notFound(path: string) {
  const [resource, name] = path.split('/').slice(-2)
  return failure(404, 'NotFound', `${resource ?? ''} "${name ?? ''}" not found`)
}

export const failure = (code: number, reason: string, message: string, details?: unknown) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
  details
})

/** A watch that sends these events and then stays open. */
export const watching = (events: readonly unknown[]) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  for (const event of events) response.write(`${JSON.stringify(event)}\n`)
}

const resource = (name: string, kind: string, more: Record<string, unknown> = {}) => ({
  resource: name,
  responseKind: { kind },
  scope: 'Namespaced',
  singularResource: kind.toLowerCase(),
  verbs: ['get', 'list', 'watch', 'create', 'delete', 'patch'],
  ...more
})

const coreDiscovery = {
  kind: 'APIGroupDiscoveryList',
  items: [
    {
      metadata: {},
      versions: [
        {
          version: 'v1',
          resources: [
            resource('pods', 'Pod', { shortNames: ['po'], categories: ['all'] }),
            resource('services', 'Service', { shortNames: ['svc'], categories: ['all'] }),
            resource('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
            resource('namespaces', 'Namespace', { shortNames: ['ns'], scope: 'Cluster' }),
            resource('events', 'Event', { shortNames: ['ev'] })
          ]
        }
      ]
    }
  ]
}

const groupDiscovery = {
  kind: 'APIGroupDiscoveryList',
  items: [
    {
      metadata: { name: 'apps' },
      versions: [
        {
          version: 'v1',
          resources: [
            resource('deployments', 'Deployment', {
              shortNames: ['deploy'],
              categories: ['all'],
              subresources: [{ subresource: 'scale' }, { subresource: 'status' }]
            }),
            resource('replicasets', 'ReplicaSet', { shortNames: ['rs'], categories: ['all'] })
          ]
        }
      ]
    },
    {
      metadata: { name: 'events.k8s.io' },
      versions: [{ version: 'v1', resources: [resource('events', 'Event', { shortNames: ['ev'] })] }]
    }
  ]
}
