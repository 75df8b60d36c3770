#!/usr/bin/env node
// Builds dist/: the CLI as one file, the daemon and its data plane worker (npm
// packages stay outside, since lmdb is native), the agent's binaries, and the definitions that are generated.
//   --if-stale   do nothing when dist/ is newer than all sources
//   --cli        only the CLI, into the dist/ that is there
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const draft = join(root, `dist.${process.pid}`)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

function newest (path) {
  if (!existsSync(path)) return 0
  const info = statSync(path)
  if (!info.isDirectory()) return info.mtimeMs
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

const sources = ['src', 'package.json', 'package-lock.json', 'bin/build.mjs'].map((name) => join(root, name))
const built = join(dist, 'mk.cjs')
if (process.argv.includes('--if-stale') && existsSync(built) && newest(built) > Math.max(...sources.map(newest))) {
  process.exit(0)
}

const generated = join(root, 'src/api/schema/generated')
const generator = join(root, 'src/api/schema/generate.ts')
const generatorSources = [generator, join(root, 'src/api/schema/generator'), join(root, 'package-lock.json')]
if (existsSync(generator) && newest(generated) < Math.max(...generatorSources.map(newest))) {
  const { status } = spawnSync(process.execPath, ['--import=tsx', generator], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/**
 * Of @oclif/core only the parser is wanted. Its modules require oclif's help, themes, logger and error pages, which load
 * a hundred packages and take longer than a whole `mk get`: the few functions it really calls are given here.
 */
const parserOnly = {
  'errors/index': `class CLIError extends Error {
    constructor (error, options = {}) {
      super(error instanceof Error ? error.message : error)
      this.oclif = { exit: options.exit ?? 1 }
    }
  }
  module.exports = { CLIError }`,
  cache: 'exports.__esModule = true; const cache = { get () {} }; exports.default = { getInstance: () => cache }',
  logger: 'exports.makeDebug = () => () => {}',
  'ux/list': "exports.__esModule = true; exports.default = (rows) => rows.map((row) => row.filter(Boolean).join('  ')).join('\\n')",
  'ux/theme': 'exports.colorize = (_, text) => text',
  'ux/index': 'exports.colorize = (_, text) => text',
  'help/index': '',
  'util/fs': ''
}

const oclifParser = {
  name: 'oclif-parser',
  setup ({ onLoad }) {
    onLoad({ filter: /@oclif[/\\]core[/\\]lib[/\\].*\.js$/ }, ({ path }) => {
      const module = /core[/\\]lib[/\\](.*)\.js$/.exec(path)[1].replaceAll('\\', '/')
      return module in parserOnly ? { contents: parserOnly[module], loader: 'js' } : undefined
    })
  }
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  format: 'esm',
  logLevel: 'warning',
  define: { MK_VERSION: JSON.stringify(version) }
}

/**
 * One CommonJS file whose modules are evaluated on first use: Node starts it 30 ms sooner than an ES module with chunks,
 * and `mk get` never pays for what `mk exec` needs.
 */
async function buildCli (outdir) {
  await build({
    ...common,
    format: 'cjs',
    entryPoints: { mk: join(root, 'src/commands/main.ts') },
    outdir,
    outExtension: { '.js': '.cjs' },
    minify: true,
    define: { ...common.define, 'import.meta.url': 'mkModuleUrl' },
    banner: { js: 'const mkModuleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [oclifParser],
    // Optional accelerators of ws.
    external: ['bufferutil', 'utf-8-validate']
  })
}

async function buildDaemon () {
  const entries = { daemon: 'src/daemon/main.ts', 'data-plane-worker': 'src/network/data-plane/worker.ts' }
  for (const [name, entry] of Object.entries(entries)) {
    await build({
      ...common,
      entryPoints: { [name]: join(root, entry) },
      outdir: draft,
      packages: 'external',
      sourcemap: 'linked',
      sourcesContent: false
    })
  }
}

function copyData () {
  const copies = { 'src/agent/bin': 'agent', 'src/api/schema/generated': 'generated' }
  for (const [from, to] of Object.entries(copies)) {
    if (!existsSync(join(root, from))) continue
    cpSync(join(root, from), join(draft, to), { recursive: true, filter: (path) => !path.endsWith('.ts') })
  }
}

async function buildAll () {
  await buildCli(draft)
  await buildDaemon()
  copyData()
  // In one step as far as possible: a command that starts meanwhile finds the old files or the new ones.
  rmSync(dist, { recursive: true, force: true })
  renameSync(draft, dist)
}

try {
  if (process.argv.includes('--cli')) await buildCli(dist)
  else await buildAll()
} catch (error) {
  // esbuild has said what is wrong; anything else has not.
  if (!error.errors) throw error
  process.exitCode = 1
} finally {
  rmSync(draft, { recursive: true, force: true })
}
