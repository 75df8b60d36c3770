import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { createAuthority, isGood, namesIn, sign } from './certificates.js'
import { PkiFiles } from './pki-files.js'
import type { ClusterPki, KeyPair } from './pki.js'

const standardHostnames = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local'
]
const standardAddresses = ['127.0.0.1', '::1']

export interface ClusterPkiOptions {
  /** Holds the files; made with mode 0700. */
  dir: string
  clock: Clock
  /** Beyond localhost and the names of the `kubernetes` Service. */
  hostnames?: readonly string[]
  /** Beyond the loopback addresses: the Service's address, the gateway of the pods. */
  addresses?: readonly string[]
}

/**
 * The cluster's authority, certificates and keys: made on first use, kept in files, issued anew before they expire or
 * when the server gets another name. A new authority is made only when there is none: it would invalidate everything.
 */
export async function createClusterPki(options: ClusterPkiOptions): Promise<ClusterPki> {
  const { clock } = options
  const files = new PkiFiles(options.dir)
  const authority = await kept(
    files,
    'ca',
    (pair) => isGood(pair, clock),
    () => createAuthority('mk', clock)
  )
  const admin = await kept(
    files,
    'admin',
    (pair) => isGood(pair, clock, authority),
    () =>
      sign(
        authority,
        { commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' },
        clock
      )
  )
  const tokenKey = readTokenKey(files)
  const adminToken = keptText(files, 'admin.token', () => randomBytes(32).toString('base64url'))

  const hostnames = new Set([...standardHostnames, ...(options.hostnames ?? [])])
  const addresses = new Set([...standardAddresses, ...(options.addresses ?? [])])
  const covers = (pair: KeyPair) => {
    const names = namesIn(pair.cert)
    const wanted = [
      ...[...hostnames].map((name) => `DNS:${name}`),
      ...[...addresses].map((ip) => `IP:${longForm(ip)}`)
    ]
    return wanted.every((name) => names.has(name))
  }
  const serverPair = () =>
    kept(
      files,
      'server',
      (pair) => isGood(pair, clock, authority) && covers(pair),
      () =>
        sign(
          authority,
          {
            commonName: 'kube-apiserver',
            usage: 'server',
            hostnames: [...hostnames],
            addresses: [...addresses]
          },
          clock
        )
    )
  let server = await serverPair()

  return {
    ca: authority.cert,
    admin,
    tokenKey,
    adminToken,
    get server() {
      return server
    },
    ensureServerNames: async (names) => {
      for (const name of names.hostnames ?? []) hostnames.add(name)
      for (const address of names.addresses ?? []) addresses.add(address)
      const before = server
      server = await serverPair()
      return server.cert !== before.cert
    },
    issueClient: ({ user, groups }) =>
      sign(authority, { commonName: user, organizations: groups, usage: 'client' }, clock)
  }
}

async function kept(
  files: PkiFiles,
  name: string,
  isUsable: (pair: KeyPair) => boolean,
  make: () => Promise<KeyPair>
): Promise<KeyPair> {
  const found = files.readPair(name)
  if (found && isUsable(found)) return found
  const made = await make()
  files.writePair(name, made)
  return made
}

function keptText(files: PkiFiles, name: string, make: () => string): string {
  const found = files.read(name)
  if (found) return found
  const made = make()
  files.write(name, made)
  return made
}

function readTokenKey(files: PkiFiles): ClusterPki['tokenKey'] {
  const pem = keptText(files, 'sa.key', () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString()
  )
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { privateKey, publicKey, id }
}

/** IPv6 as node:crypto prints it in a certificate: `0:0:0:0:0:0:0:1`. */
function longForm(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('::')
  const [left, right] = [head, tail].map((part) => part.split(':').filter(Boolean)) as [string[], string[]]
  const groups = address.includes('::')
    ? [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
    : left
  return groups.map((group) => parseInt(group, 16).toString(16).toUpperCase()).join(':')
}
