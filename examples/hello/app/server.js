// The sample app: answers with who it is, so that load balancing, configuration and rollouts can be seen.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

const version = process.env.APP_VERSION ?? 'dev'
const file = (path) => { try { return readFileSync(path, 'utf8').trim() } catch { return '' } }

const describe = () => ({
  message: `${process.env.GREETING ?? 'Hello'} from mk`,
  version,
  pod: hostname(),
  node: process.env.NODE_NAME,
  // The same ConfigMap and Secret, once as variables and once as files; files follow changes without a restart.
  motd: file('/etc/hello/motd'),
  secretFromEnv: Boolean(process.env.API_TOKEN),
  secretFromFile: file('/etc/hello-secret/token') === process.env.API_TOKEN
})

async function route (path) {
  switch (path) {
    case '/healthz': return { status: 'ok' }
    case '/version': return { version }
    // Another pod of this Service (or this one), reached by its DNS name through the ClusterIP.
    case '/peer': return (await fetch('http://hello.default.svc.cluster.local/')).json()
    default: return describe()
  }
}

const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname
  route(path).then(
    (body) => { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body, null, 2) + '\n') },
    (error) => { response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error.cause ?? error}\n`) })
  console.log(`${request.method} ${request.url}`)
})
// Outlives the ingress's idle connections, so that it is never this end that closes first.
server.keepAliveTimeout = 75_000
server.listen(8080, () => { console.log(`hello ${version} listens on :8080`) })

// Serves on for a moment while the news travels that this pod is going away, then finishes what is open.
process.on('SIGTERM', () => {
  console.log('SIGTERM: finishing')
  setTimeout(() => {
    server.close(() => { process.exit(0) })
    server.closeIdleConnections()
  }, 2000)
})
