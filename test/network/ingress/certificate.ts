import { createAuthority, sign } from '../../../src/apiserver/pki/certificates.js'
import { systemClock } from '../../../src/base/clock.js'

/** A certificate for a host, as PEM. */
export async function certificateFor(host: string): Promise<{ cert: string; key: string }> {
  const authority = await createAuthority('test', systemClock)
  return sign(authority, { commonName: host, usage: 'server', hostnames: [host] }, systemClock)
}
