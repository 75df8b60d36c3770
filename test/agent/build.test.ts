import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const source = fileURLToPath(new URL('../../src/agent', import.meta.url))
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

void t.test('the committed binary is what the source gives', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'mk-agent-'))
  t.teardown(() => rm(out, { recursive: true, force: true }))
  await promisify(execFile)(join(source, 'build.sh'), [out, architecture]).catch((error: unknown) => {
    throw new Error('building the agent needs gcc and musl-gcc (Debian: apt-get install gcc musl-tools)', {
      cause: error
    })
  })
  const name = `mk-agent-${architecture}`
  t.ok(
    (await readFile(join(out, name))).equals(await readFile(join(source, 'bin', name))),
    `src/agent/build.sh changes bin/${name}`
  )
})

void t.test('wrong arguments are told', async (t) => {
  const run = promisify(execFile)
  const binary = join(source, 'bin', `mk-agent-${architecture}`)
  await t.rejects(run(binary, []), { code: 2, stderr: /usage: mk-agent pause/ })
  await t.rejects(run(binary, ['pause', '--bridge']), { code: 2, stderr: /bad arguments/ })
})
