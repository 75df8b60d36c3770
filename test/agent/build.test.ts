import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const source = fileURLToPath(new URL('../../src/agent', import.meta.url))
const own = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** What build.sh notes beside a binary: the sources' hash, and compiler and C library. */
async function noteOf(folder: string, architecture: string): Promise<{ sources: string; tools: string }> {
  const text = await readFile(join(folder, `mk-agent-${architecture}.built`), 'utf8')
  const [sources = '', ...tools] = text.trim().split('\n')
  return { sources, tools: tools.join('\n') }
}

t.test('the committed binaries are what the source gives', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'mk-agent-'))
  t.teardown(() => rm(out, { recursive: true, force: true }))
  await promisify(execFile)(join(source, 'build.sh'), [out, own]).catch((error: unknown) => {
    throw new Error('building the agent needs gcc and musl-gcc (Debian: apt-get install gcc musl-tools)', {
      cause: error
    })
  })
  const built = await noteOf(out, own)
  const committed = join(source, 'bin')
  for (const architecture of ['amd64', 'arm64']) {
    const { sources } = await noteOf(committed, architecture)
    t.equal(
      sources,
      built.sources,
      `bin/mk-agent-${architecture} is of these sources: run src/agent/build.sh`
    )
  }
  const name = `mk-agent-${own}`
  const bytes = (folder: string) => readFile(join(folder, name))
  // Another compiler or C library gives other bytes of the same program.
  const sameTools = (await noteOf(committed, own)).tools === built.tools
  const sameBytes = (await bytes(out)).equals(await bytes(committed))
  t.ok(sameBytes || !sameTools, `the same tools give the same bin/${name}`)
})

t.test('wrong arguments are told', async (t) => {
  const run = promisify(execFile)
  const binary = join(source, 'bin', `mk-agent-${own}`)
  await t.rejects(run(binary, []), { code: 2, stderr: /usage: mk-agent pause/ })
  await t.rejects(run(binary, ['pause', '--bridge']), { code: 2, stderr: /bad arguments/ })
})
