import { webcrypto, X509Certificate as Parsed } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import { loadX509 } from '../../base/x509.js'
import type { KeyPair } from './pki.js'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hour = 3_600_000
const day = 24 * hour
/** As kubeadm has them: ten years for the authority, one for what it signs. */
const lifetimeMs = { authority: 3650 * day, leaf: 365 * day }
/** Issued anew when less than this part of the life is left. */
const renewalPart = 0.2

export interface SignRequest {
  commonName: string
  organizations?: readonly string[]
  usage: 'server' | 'client'
  hostnames?: readonly string[]
  addresses?: readonly string[]
}

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> => {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

const importKey = async (pem: string): Promise<webcrypto.CryptoKey> => {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['sign'])
}

const generate = async (): Promise<webcrypto.CryptoKeyPair> =>
  await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

/** A self-signed authority. */
export async function createAuthority(commonName: string, clock: Clock): Promise<KeyPair> {
  const x509 = await loadX509()
  const keys = await generate()
  const now = clock.now().getTime()
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    notBefore: new Date(now - hour),
    notAfter: new Date(now + lifetimeMs.authority),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** A certificate signed by the authority, with a key of its own. */
export async function sign(authority: KeyPair, request: SignRequest, clock: Clock): Promise<KeyPair> {
  const x509 = await loadX509()
  const keys = await generate()
  const issuer = new x509.X509Certificate(authority.cert)
  const now = clock.now().getTime()
  const { commonName, organizations = [], hostnames = [], addresses = [] } = request
  const names = [
    ...hostnames.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value }))
  ]
  const purpose =
    request.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const cert = await x509.X509CertificateGenerator.create({
    subject: [...organizations.map((O) => ({ O: [O] })), { CN: [commonName] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now - hour),
    notAfter: new Date(Math.min(now + lifetimeMs.leaf, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [])
    ]
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** Readable, not due for renewal, and (for a leaf) signed by this authority. */
export function isGood(pair: KeyPair, clock: Clock, authority?: KeyPair): boolean {
  try {
    const cert = new Parsed(pair.cert)
    const [from, to] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)]
    if (to - clock.now().getTime() < (to - from) * renewalPart) return false
    return !authority || cert.verify(new Parsed(authority.cert).publicKey)
  } catch {
    return false
  }
}

/** The names that a certificate holds for, as `DNS:localhost` and `IP:127.0.0.1`. */
export function namesIn(pem: string): Set<string> {
  const text = new Parsed(pem).subjectAltName ?? ''
  return new Set(text.split(', ').map((name) => name.replace('IP Address:', 'IP:')))
}
