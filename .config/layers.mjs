#!/usr/bin/env node
// Holds the import rules of .github/ARCHITECTURE.md: imports go one way, type imports included, and there are no cycles.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/** What a folder may import besides itself. */
const allowed = {
  base: [],
  api: ['base'],
  store: ['base'],
  runtime: ['base'],
  client: ['base', 'api'],
  apiserver: ['base', 'api', 'store', 'runtime', 'client'],
  reconcile: ['base', 'api', 'client'],
  controllers: ['base', 'api', 'client', 'reconcile'],
  scheduler: ['base', 'api', 'client', 'reconcile'],
  network: ['base', 'api', 'runtime', 'client', 'reconcile'],
  volumes: ['base', 'api', 'runtime', 'client', 'reconcile'],
  kubelet: ['base', 'api', 'runtime', 'client', 'apiserver', 'reconcile', 'network', 'volumes'],
  cluster: ['base', 'api', 'store', 'runtime', 'client', 'apiserver', 'reconcile', 'controllers', 'scheduler', 'network', 'volumes', 'kubelet'],
  daemon: ['base', 'cluster'],
  cli: ['base', 'api', 'client'],
  commands: ['base', 'api', 'client', 'cli']
}

/** npm packages that only one folder may know. */
const confined = {
  dockerode: ['runtime/docker'],
  '@oclif/core': ['cli', 'commands'],
  lmdb: ['store'],
  fastify: ['apiserver', 'daemon'],
  'http-proxy': ['network', 'apiserver'],
  tap: []
}

function * files (directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) { if (entry.name !== 'generated') yield * files(path) } else if (/\.ts$/.test(entry.name)) yield path
  }
}

const importPattern = /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\{[^}]*\}[^'"\n]*?)?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
const problems = []
const graph = new Map()
for (const file of files(src)) {
  const name = relative(src, file)
  const folder = name.split('/')[0]
  if (!(folder in allowed)) { problems.push(`src/${name}: no rule for the folder ${folder}: add it to .config/layers.mjs`); continue }
  const targets = []
  for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? match[3]
    if (specifier.startsWith('.')) {
      const target = relative(src, resolve(dirname(file), specifier)).replace(/\.js$/, '.ts')
      const to = target.split('/')[0]
      if (target.startsWith('..')) problems.push(`src/${name}: imports ${specifier}, outside of src`)
      else if (to !== folder && !allowed[folder].includes(to)) problems.push(`src/${name}: ${folder} may not import ${to} (${specifier})`)
      targets.push(target)
    } else {
      const parts = specifier.split('/')
      const pkg = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
      const only = confined[pkg]
      if (only && !only.some((place) => name.startsWith(`${place}/`))) problems.push(`src/${name}: only ${only.join(', ') || 'tests'} may import ${pkg}`)
    }
  }
  graph.set(name, targets)
}

const state = new Map()
function visit (name, path) {
  if (state.get(name) === 'done' || !graph.has(name)) return
  if (state.get(name) === 'open') { problems.push(`import cycle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`); return }
  state.set(name, 'open')
  for (const target of graph.get(name)) visit(target, [...path, name])
  state.set(name, 'done')
}
for (const name of graph.keys()) visit(name, [])

if (problems.length) { console.error(problems.join('\n')); process.exit(1) }
console.log(`layers: ${graph.size} files, imports go one way, no cycles`)
