import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { Pod, Secret } from '../../api/types.js'
import type { RegistryAuth } from '../../runtime/runtime.js'
import type { VolumeSources } from '../../volumes/volume.js'
import { parseImageReference } from './reference.js'

interface DockerAuth {
  auth?: string
  username?: string
  password?: string
  identitytoken?: string
}

/** What mk reads of Docker's config.json. */
export interface DockerConfig {
  auths?: Record<string, DockerAuth>
  credHelpers?: Record<string, string>
  credsStore?: string
}

/**
 * Credentials to try for an image, in order: the pod's imagePullSecrets, then the user's own Docker config with its
 * credential helpers. Empty: pull without. A secret that is missing or not readable is passed over, as upstream does.
 */
export async function credentialsFor(
  image: string,
  pod: Pod,
  options: { sources: Pick<VolumeSources, 'secret'>; dockerConfigPath: string | undefined }
): Promise<RegistryAuth[]> {
  const found: RegistryAuth[] = []
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (!name) continue
    const secret = await options.sources.secret(pod.metadata.namespace ?? 'default', name)
    found.push(...matching(image, secret ? authsOfSecret(secret) : {}))
  }
  const config = options.dockerConfigPath && (await readDockerConfig(options.dockerConfigPath))
  if (config) {
    found.push(...matching(image, config.auths ?? {}))
    const helped = await fromHelper(image, config)
    if (helped) found.push(helped)
  }
  return found
}

function authsOfSecret({ type, data = {} }: Secret): Record<string, DockerAuth> {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  try {
    if (type === 'kubernetes.io/dockerconfigjson')
      return (JSON.parse(text('.dockerconfigjson')) as DockerConfig).auths ?? {}
    if (type === 'kubernetes.io/dockercfg')
      return JSON.parse(text('.dockercfg')) as Record<string, DockerAuth>
  } catch {
    // Not JSON: nothing to try.
  }
  return {}
}

async function readDockerConfig(path: string): Promise<DockerConfig | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DockerConfig
  } catch {
    return undefined
  }
}

/** Entries whose key fits the image, the longest first: `ghcr.io/team` before `ghcr.io`; `*` stands for one label. */
function matching(image: string, auths: Record<string, DockerAuth>): RegistryAuth[] {
  const reference = parseImageReference(image)
  if (!reference) return []
  return Object.keys(auths)
    .filter((key) => fits(key, reference.registry, reference.repository))
    .sort((a, b) => b.length - a.length)
    .flatMap((key) => toAuth(key, auths[key] ?? {}))
}

function fits(key: string, registry: string, repository: string): boolean {
  const plain = key
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1|v2)\/?$/, '')
    .replace(/\/$/, '')
  const slash = plain.indexOf('/')
  const host = slash < 0 ? plain : plain.slice(0, slash)
  const path = slash < 0 ? '' : plain.slice(slash + 1)
  const isHub = (name: string) => ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(name)
  const hostPattern = host
    .split('.')
    .map((label) => (label === '*' ? '[^.]+' : label.replace(/[^\w-]/g, (char) => `\\${char}`)))
    .join('\\.')
  const sameHost = (isHub(host) && isHub(registry)) || new RegExp(`^${hostPattern}$`).test(registry)
  return sameHost && (path === '' || repository === path || repository.startsWith(`${path}/`))
}

function toAuth(serverAddress: string, { auth, username, password }: DockerAuth): RegistryAuth[] {
  if (username !== undefined && password !== undefined) return [{ username, password, serverAddress }]
  if (!auth) return []
  const decoded = Buffer.from(auth, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon < 0) return []
  return [{ username: decoded.slice(0, colon), password: decoded.slice(colon + 1), serverAddress }]
}

async function fromHelper(image: string, config: DockerConfig): Promise<RegistryAuth | undefined> {
  const registry = parseImageReference(image)?.registry
  if (registry === undefined) return undefined
  const server = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[server] ?? config.credsStore
  if (!helper || !/^[\w.-]+$/.test(helper)) return undefined
  const output = await askHelper(`docker-credential-${helper}`, server)
  if (output === undefined) return undefined
  try {
    const { Username, Secret: password } = JSON.parse(output) as { Username?: string; Secret?: string }
    return Username && password ? { username: Username, password, serverAddress: server } : undefined
  } catch {
    return undefined
  }
}

/** Docker's protocol: the server's name in, JSON out. A helper that fails or hangs counts as having nothing. */
function askHelper(program: string, server: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal: AbortSignal.timeout(10_000)
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', () => {
      resolve(undefined)
    })
    child.on('close', (code) => {
      resolve(code === 0 ? output : undefined)
    })
    child.stdin.on('error', () => {})
    child.stdin.end(server)
  })
}
