import { KeyObject, webcrypto } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { messageOf } from '../../base/errors.js'
import { loadX509 } from '../../base/x509.js'
import type { IngressModel } from './ingress-model.js'

export interface CertificateProblem {
  ingress: string
  message: string
}

/** Certificate and key as PEM text. */
export interface Pem {
  cert: string
  key: string
}

const hourMs = 3_600_000
const lifetimeMs = 365 * 24 * hourMs

/** Which certificate a TLS client gets: by the host name it asks for (SNI), else one that is signed by nobody. */
export class Certificates {
  readonly #byHost = new Map<string, SecureContext>()
  readonly #parsed = new Map<string, SecureContext | string>()
  #fallback: Promise<SecureContext> | undefined
  #fallbackPem: Promise<Pem> | undefined
  #first: Pem | undefined

  /** Takes over the TLS secrets of these Ingresses and returns what is wrong with them. */
  update(ingresses: readonly IngressModel[]): CertificateProblem[] {
    const problems: CertificateProblem[] = []
    const used = new Set<string>()
    this.#byHost.clear()
    this.#first = undefined
    for (const ingress of ingresses) {
      for (const tls of ingress.tls) {
        const id = `${tls.certificate}\n${tls.privateKey}`
        used.add(id)
        const context = this.#parse(id, tls.certificate, tls.privateKey)
        if (typeof context !== 'string') this.#first ??= { cert: tls.certificate, key: tls.privateKey }
        const hosts = tls.hosts.length > 0 ? tls.hosts : ingress.rules.map(({ host }) => host)
        if (typeof context === 'string')
          problems.push({
            ingress: ingress.key,
            message: `the TLS secret ${tls.secret} is not usable: ${context}`
          })
        else
          for (const host of hosts) if (!this.#byHost.has(host)) this.#byHost.set(host.toLowerCase(), context)
      }
    }
    for (const id of this.#parsed.keys()) if (!used.has(id)) this.#parsed.delete(id)
    return problems
  }

  /** An exact host goes before a wildcard, which covers one label. */
  async find(serverName: string): Promise<SecureContext> {
    const host = serverName.toLowerCase()
    const found = this.#byHost.get(host) ?? this.#byHost.get(`*${host.slice(host.indexOf('.'))}`)
    return found ?? this.#byHost.get('') ?? this.fallback()
  }

  /** For clients that name no host: any certificate there is, else the self-signed one. */
  forNobody(): Pem | Promise<Pem> {
    return this.#first ?? this.#selfSigned()
  }

  async fallback(): Promise<SecureContext> {
    this.#fallback ??= this.#selfSigned().then(createSecureContext)
    return this.#fallback
  }

  #selfSigned(): Promise<Pem> {
    this.#fallbackPem ??= makeSelfSigned()
    return this.#fallbackPem
  }

  #parse(id: string, cert: string, key: string): SecureContext | string {
    const known = this.#parsed.get(id)
    if (known !== undefined) return known
    let result: SecureContext | string
    try {
      result = createSecureContext({ cert, key })
    } catch (error) {
      result = messageOf(error)
    }
    this.#parsed.set(id, result)
    return result
  }
}

async function makeSelfSigned(): Promise<Pem> {
  const x509 = await loadX509()
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const names = ['localhost', '*.localhost', 'ingress.local'].map((value) => ({
    type: 'dns' as const,
    value
  }))
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['mk ingress default certificate'] }],
    notBefore: new Date(now - hourMs),
    notAfter: new Date(now + lifetimeMs),
    signingAlgorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([...names, { type: 'ip', value: '127.0.0.1' }])]
  })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { cert: certificate.toString('pem'), key: key.toString() }
}
