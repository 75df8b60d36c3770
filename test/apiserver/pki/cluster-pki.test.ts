import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../../src/base/clock.js'
import { systemClock } from '../../../src/base/clock.js'
import { createClusterPki } from '../../../src/apiserver/pki/cluster-pki.js'

function directory(t: { teardown(run: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'mk-pki-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true })
  })
  return join(dir, 'pki')
}

/** Days from now. */
const later = (days: number): Clock => ({
  ...systemClock,
  now: () => new Date(Date.now() + days * 86_400_000)
})

t.test('certificates say who they are, for what, and who signed them', async (t) => {
  const pki = await createClusterPki({
    dir: directory(t),
    clock: systemClock,
    addresses: ['10.96.0.1', 'fd00::12']
  })
  const [ca, server, admin] = [pki.ca, pki.server.cert, pki.admin.cert].map((pem) => new X509Certificate(pem))
  if (!ca || !server || !admin) throw new Error('unreachable')
  t.ok(ca.ca)
  t.ok(ca.verify(ca.publicKey))
  t.notOk(server.ca)
  t.ok(server.checkIssued(ca) && server.verify(ca.publicKey))
  t.equal(server.checkHost('kubernetes.default.svc'), 'kubernetes.default.svc')
  for (const address of ['127.0.0.1', '::1', '10.96.0.1', 'fd00::12'])
    t.equal(server.checkIP(address), address)
  t.equal(server.checkIP('10.96.0.2'), undefined)
  t.match(admin.subject, /O=system:masters\nCN=kubernetes-admin/)
  t.same(admin.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  t.ok(Date.parse(ca.validTo) - Date.now() > 9 * 365 * 86_400_000)
  t.not(server.serialNumber, admin.serialNumber)
})

t.test('files are for their owner alone, and used again', async (t) => {
  const dir = directory(t)
  const first = await createClusterPki({ dir, clock: systemClock })
  t.equal(statSync(dir).mode & 0o777, 0o700)
  for (const name of readdirSync(dir)) t.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name)
  const second = await createClusterPki({ dir, clock: systemClock })
  t.same(
    [second.ca, second.server, second.admin, second.adminToken, second.tokenKey.id],
    [first.ca, first.server, first.admin, first.adminToken, first.tokenKey.id]
  )
})

t.test(
  'a name that is new, or a life that ends, means a new certificate of the same authority',
  async (t) => {
    const dir = directory(t)
    const first = await createClusterPki({ dir, clock: systemClock })
    const before = first.server.cert
    t.notOk(
      await first.ensureServerNames({ addresses: ['127.0.0.1'], hostnames: ['localhost'] }),
      'known already'
    )
    t.ok(await first.ensureServerNames({ addresses: ['172.30.0.1'] }))
    t.not(first.server.cert, before)
    const aged = await createClusterPki({ dir, clock: later(330) })
    t.equal(aged.ca, first.ca)
    t.not(aged.admin.cert, first.admin.cert)
  }
)

t.test('a damaged certificate is replaced', async (t) => {
  const dir = directory(t)
  const first = await createClusterPki({ dir, clock: systemClock })
  writeFileSync(join(dir, 'server.crt'), 'damaged')
  const second = await createClusterPki({ dir, clock: systemClock })
  t.equal(second.ca, first.ca)
  t.ok(new X509Certificate(second.server.cert).verify(new X509Certificate(second.ca).publicKey))
})
