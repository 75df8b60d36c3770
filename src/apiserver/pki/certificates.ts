import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign as signBytes,
  X509Certificate
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import {
  addressBytes,
  bits,
  boolean,
  elementsOf,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8
} from './der.js'
import type { KeyPair } from './pki.js'

// X.509 certificates with P-256 keys (RFC 5280). Written out here because the libraries for it take half a second to
// load, several times what `mk up` needs for the rest of it.

const hour = 3_600_000
const day = 24 * hour
/** As kubeadm has them: ten years for the authority, one for what it signs. */
const lifetimeMs = { authority: 3650 * day, leaf: 365 * day }
/** Issued anew when less than this part of the life is left. */
const renewalPart = 0.2

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const attribute = { commonName: '2.5.4.3', organization: '2.5.4.10' }
const purpose = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

export interface SignRequest {
  commonName: string
  organizations?: readonly string[]
  usage: 'server' | 'client'
  hostnames?: readonly string[]
  addresses?: readonly string[]
}

/** A self-signed authority. */
export function createAuthority(commonName: string, clock: Clock): KeyPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = nameOf(commonName)
  const extensions = [
    extension('2.5.29.19', sequence(boolean(true)), true),
    // Signs certificates and revocation lists.
    extension('2.5.29.15', bits(Buffer.from([0x86]), 1), true),
    extension('2.5.29.14', octets(keyIdOf(keys.publicKey)))
  ]
  const subject = { name, publicKey: keys.publicKey, lifetimeMs: lifetimeMs.authority, extensions }
  return pairOf(certify(subject, { name, key: keys.privateKey }, clock), keys.privateKey)
}

/** A certificate signed by the authority, with a key of its own. */
export function sign(authority: KeyPair, request: SignRequest, clock: Clock): KeyPair {
  const issuer = new X509Certificate(authority.cert)
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { commonName, organizations = [], usage, hostnames = [], addresses = [] } = request
  const names = [
    ...hostnames.map((name) => implicit(2, Buffer.from(name))),
    ...addresses.map((address) => implicit(7, addressBytes(address)))
  ]
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    // Digital signatures only.
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    extension('2.5.29.37', sequence(oid(purpose[usage]))),
    extension('2.5.29.35', sequence(implicit(0, keyIdOf(issuer.publicKey)))),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names))] : [])
  ]
  const remaining = Date.parse(issuer.validTo) - clock.now().getTime()
  const subject = {
    name: nameOf(commonName, organizations),
    publicKey: keys.publicKey,
    lifetimeMs: Math.min(lifetimeMs.leaf, remaining),
    extensions
  }
  const by = { name: subjectOf(issuer), key: createPrivateKey(authority.key) }
  return pairOf(certify(subject, by, clock), keys.privateKey)
}

interface Subject {
  name: Buffer
  publicKey: KeyObject
  lifetimeMs: number
  extensions: readonly Buffer[]
}

function certify(subject: Subject, issuer: { name: Buffer; key: KeyObject }, clock: Clock): Buffer {
  const now = clock.now().getTime()
  // A serial number is positive and has no zero in front.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuer.name,
    // Clocks may differ a little.
    sequence(time(new Date(now - hour)), time(new Date(now + subject.lifetimeMs))),
    subject.name,
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...subject.extensions))
  )
  return sequence(body, ecdsaWithSha256, bits(signBytes('sha256', body, issuer.key)))
}

function nameOf(commonName: string, organizations: readonly string[] = []): Buffer {
  const part = (type: string, text: string) => set(sequence(oid(type), utf8(text)))
  const parts = organizations.map((text) => part(attribute.organization, text))
  return sequence(...parts, part(attribute.commonName, commonName))
}

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

/** The subject as it stands in the certificate: version, serial, algorithm, issuer and validity come before it. */
function subjectOf(certificate: X509Certificate): Buffer {
  const [body = Buffer.alloc(0)] = elementsOf(certificate.raw)
  return elementsOf(body)[5] ?? Buffer.alloc(0)
}

/** RFC 5280 4.2.1.2, method 1: the hash of the key's bits, which are the last 65 bytes for this curve. */
const keyIdOf = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(-65))
    .digest()

function pairOf(certificate: Buffer, key: KeyObject): KeyPair {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

/** Readable, not due for renewal, and (for a leaf) signed by this authority. */
export function isGood(pair: KeyPair, clock: Clock, authority?: KeyPair): boolean {
  try {
    const cert = new X509Certificate(pair.cert)
    const [from, to] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)]
    if (to - clock.now().getTime() < (to - from) * renewalPart) return false
    if (!cert.checkPrivateKey(createPrivateKey(pair.key))) return false
    return !authority || cert.verify(new X509Certificate(authority.cert).publicKey)
  } catch {
    return false
  }
}

/** The names that a certificate holds for, as `DNS:localhost` and `IP:127.0.0.1`. */
export function namesIn(pem: string): Set<string> {
  const text = new X509Certificate(pem).subjectAltName ?? ''
  return new Set(text.split(', ').map((name) => name.replace('IP Address:', 'IP:')))
}
