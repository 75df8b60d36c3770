import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startServer } from '../../apiserver/server.js'
import { kubectlPath } from '../../fixtures/kubectl.js'
import { kindOf } from '../../apiserver/support.js'

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1 } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, resources: { requests: { cpu: 100m } } }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`

for (const release of ['1.27', '1.30', '1.33']) {
  t.test(
    `kubectl ${release} creates, applies, watches, changes and deletes`,
    { timeout: 120_000 },
    async (t) => {
      const kubectl = kubectlPath(release)
      const server = await startServer()
      const dir = mkdtempSync(join(tmpdir(), 'mk-kubectl-'))
      t.teardown(async () => {
        rmSync(dir, { recursive: true })
        await server.close()
      })
      const api = server.server.transport({ name: 'test', groups: ['system:masters'] })
      await api.create(
        { kind: kindOf('ServiceAccount'), namespace: 'default' },
        { metadata: { name: 'default' } }
      )
      const base64 = (text: string) => Buffer.from(text).toString('base64')
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name: 'mk',
            cluster: {
              server: `https://127.0.0.1:${String(server.port)}`,
              'certificate-authority-data': base64(server.pki.ca)
            }
          }
        ],
        users: [
          {
            name: 'admin',
            user: {
              'client-certificate-data': base64(server.pki.admin.cert),
              'client-key-data': base64(server.pki.admin.key)
            }
          }
        ],
        contexts: [{ name: 'mk', context: { cluster: 'mk', user: 'admin' } }],
        'current-context': 'mk'
      }
      writeFileSync(join(dir, 'config'), JSON.stringify(config))
      const common = ['--kubeconfig', join(dir, 'config'), '--cache-dir', join(dir, 'cache')]
      const run = (...args: string[]) =>
        new Promise<{ code: number; out: string; err: string }>((resolve) => {
          const child = execFile(kubectl, [...common, ...args], (error, out, err) => {
            resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err })
          })
          child.stdin?.end(args.includes('-') ? manifest : '')
        })
      const good = async (...args: string[]) => {
        const result = await run(...args)
        t.equal(result.code, 0, `${args.join(' ')}: ${result.err}`)
        return result.out
      }

      t.match(await good('version', '-o', 'json'), /"gitVersion": "v1\.36/)
      t.match(await good('get', 'namespaces'), /NAME +STATUS +AGE\ndefault +Active/)
      t.match(await good('api-resources', '--categories=all', '-o', 'name'), /deployments\.apps/)

      t.match(await good('apply', '-f', '-'), /deployment.apps\/web created\nservice\/web created/)
      t.match(await good('apply', '-f', '-'), /deployment.apps\/web unchanged\nservice\/web unchanged/)
      t.equal((await run('diff', '-f', '-')).code, 0, 'no difference is seen')
      t.match(await good('apply', '--server-side', '--force-conflicts', '-f', '-'), /serverside-applied/)
      t.match(
        await good('get', 'deployment', 'web', '-o', 'wide'),
        /NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +0\/2/
      )
      t.equal(await good('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[0].targetPort}'), '80')
      t.match(await good('explain', 'deployment.spec.replicas'), /FIELD: +replicas <integer>/)

      const watch = spawn(kubectl, [...common, 'get', 'configmaps', '-w', '-o', 'name'])
      const lines: string[] = []
      watch.stdout.on('data', (piece: Buffer) => lines.push(...piece.toString().trim().split('\n')))
      await good('create', 'configmap', 'seen', '--from-literal=a=1')
      while (!lines.includes('configmap/seen')) await once(watch.stdout, 'data')
      watch.kill()

      await good('scale', 'deployment/web', '--replicas=3')
      await good('label', 'deployment/web', 'tier=front')
      await good('annotate', 'deployment/web', 'note=x')
      await good('set', 'image', 'deployment/web', 'web=other')
      await good('patch', 'deployment', 'web', '-p', '{"spec":{"paused":true}}')
      t.match(await good('get', 'deployment', 'web', '-o', 'json'), /"image": "other"/)
      t.equal(
        await good('get', 'deploy', '-l', 'tier=front', '-o', 'jsonpath={.items[0].spec.replicas}'),
        '3'
      )
      t.match(
        await good('run', 'p', '--image=x', '--dry-run=server', '-o', 'yaml'),
        /serviceAccountName: default/
      )
      t.match(await good('auth', 'can-i', 'create', 'pods'), /yes/)
      if (release !== '1.27') t.match(await good('auth', 'whoami'), /kubernetes-admin/)
      t.match(await good('create', 'token', 'default'), /^ey/)

      t.match((await run('create', 'configmap', 'A_b')).err, /metadata.name: Invalid value: "A_b"/)
      t.match((await run('get', 'pod', 'nope')).err, /Error from server \(NotFound\): pods "nope" not found/)
      t.match(
        (await run('delete', 'namespace', 'default')).err,
        /\(Forbidden\): namespaces "default" is forbidden/
      )
      t.match(await good('delete', '-f', '-'), /deployment.apps "web" deleted/)
      t.match(await good('delete', 'configmaps', '--all'), /configmap "seen" deleted/)
    }
  )
}
