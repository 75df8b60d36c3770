import { createAuthority, sign } from '../../../src/apiserver/pki/certificates.js'
import { systemClock } from '../../../src/base/clock.js'

/** A certificate for a host, as PEM. */
export function certificateFor(host: string): { cert: string; key: string } {
  const authority = createAuthority('test', systemClock)
  return sign(authority, { commonName: host, usage: 'server', hostnames: [host] }, systemClock)
}
