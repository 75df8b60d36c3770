import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { MkError, messageOf } from '../base/errors.js'
import { parseYamlDocuments } from '../base/yaml.js'
import type { Io } from './io.js'

/** One object of the user's files, not yet checked by the server. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string | undefined
  readonly object: Record<string, unknown> & { metadata: Record<string, unknown> }
  /** File, URL or `stdin`, and the line where the document begins. */
  readonly source: string
  readonly line: number
}

interface Source {
  readonly name: string
  readonly content: string
}

const extensions = new Set(['.yaml', '.yml', '.json'])

/**
 * Reads all documents of `-f` arguments: files, folders (their *.yaml, *.yml, *.json), URLs, `-`. Lists are taken apart.
 * Nothing is returned unless all of it can be read, so that a mistake in the last file leaves the cluster alone.
 */
export async function readManifests(
  filenames: readonly string[],
  options: { io: Io; recursive?: boolean }
): Promise<Manifest[]> {
  if (filenames.length === 0) {
    throw new MkError('MK_INPUT', 'must specify -f: a file, a folder, a URL, or - for standard input')
  }
  const sources = (await Promise.all(filenames.map((name) => readSources(name, options)))).flat()
  const manifests = sources.flatMap(parseSource)
  if (manifests.length === 0) throw new MkError('MK_INPUT', `no objects found in ${filenames.join(', ')}`)
  return manifests
}

async function readSources(name: string, options: { io: Io; recursive?: boolean }): Promise<Source[]> {
  if (name === '-') return [{ name: 'stdin', content: await text(options.io.stdin) }]
  if (/^https?:\/\//.test(name)) return [{ name, content: await download(name) }]
  const path = resolve(options.io.cwd, name)
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(name, cause)
  })
  if (!info.isDirectory()) return [await readSource(name, path)]
  const files = await filesIn(path, options.recursive ?? false)
  if (files.length === 0) {
    const hint = options.recursive ? undefined : 'with -R, folders inside it are read as well'
    throw new MkError('MK_INPUT', `${name} has no file named *.yaml, *.yml or *.json`, hint ? { hint } : {})
  }
  return Promise.all(files.map((file) => readSource(join(name, file), join(path, file))))
}

async function readSource(name: string, path: string): Promise<Source> {
  try {
    return { name, content: await readFile(path, 'utf8') }
  } catch (cause) {
    throw unreadable(name, cause as NodeJS.ErrnoException)
  }
}

async function filesIn(directory: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const nested = await Promise.all(
    sorted.map(async (entry) => {
      if (!entry.isDirectory()) return extensions.has(extname(entry.name)) ? [entry.name] : []
      if (!recursive) return []
      return (await filesIn(join(directory, entry.name), recursive)).map((file) => join(entry.name, file))
    })
  )
  return nested.flat()
}

async function download(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    if (!response.ok) {
      throw new MkError('MK_INPUT', `${url}: the server answered ${response.status} ${response.statusText}`)
    }
    return await response.text()
  } catch (cause) {
    if (cause instanceof MkError) throw cause
    const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause
    throw new MkError('MK_INPUT', `can't read ${url}: ${messageOf(why)}`, { cause })
  }
}

function unreadable(name: string, cause: NodeJS.ErrnoException): MkError {
  if (cause.code === 'ENOENT') {
    return new MkError('MK_INPUT', `the path "${name}" does not exist`, { cause })
  }
  return new MkError('MK_INPUT', `can't read ${name}: ${cause.message}`, { cause })
}

function parseSource(source: Source): Manifest[] {
  return parseYamlDocuments(source.content, { file: source.name }).flatMap(({ value, line }) => {
    if (value === null || value === undefined) return []
    return expandList(value, source.name, line)
  })
}

function expandList(value: unknown, source: string, line: number): Manifest[] {
  const object = requireObject(value, source, line)
  const { apiVersion, kind, items } = object
  if (typeof apiVersion !== 'string' || apiVersion === '') throw missing('apiVersion', source, line)
  if (typeof kind !== 'string' || kind === '') throw missing('kind', source, line)
  if (kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item) => expandList(item, source, line))
  const metadata = requireObject(object['metadata'] ?? {}, source, line, 'metadata')
  const { name, namespace } = metadata
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw new MkError(
      'MK_INPUT',
      `${source}:${line}: ${kind}: metadata.name must be text, and is the ${typeof name} ${JSON.stringify(name)}`,
      {
        hint: 'YAML reads words such as 123, no and true as values: write the name in quotes'
      }
    )
  }
  if (!name) {
    throw new MkError('MK_INPUT', `${source}:${line}: ${kind}: metadata.name: required, as text`, {
      hint: 'objects that the server is to name (generateName) can be made with `kubectl create`'
    })
  }
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    throw new MkError('MK_INPUT', `${source}:${line}: ${kind} "${name}": metadata.namespace must be text`)
  }
  const own = namespace || undefined
  return [{ apiVersion, kind, name, namespace: own, object: { ...object, metadata }, source, line }]
}

function requireObject(
  value: unknown,
  source: string,
  line: number,
  what = 'the document'
): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  const found = Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'nothing'
      : `the ${typeof value} ${JSON.stringify(value)}`
  throw new MkError('MK_INPUT', `${source}:${line}: ${what} must be an object with fields, and is ${found}`)
}

function missing(field: string, source: string, line: number): MkError {
  return new MkError('MK_INPUT', `${source}:${line}: ${field} not set`, {
    hint: 'each document begins with its apiVersion and kind, such as apps/v1 and Deployment'
  })
}

/** What others need comes first: namespaces, then kinds, then classes, then what pods refer to. */
const firstKinds = [
  ['Namespace'],
  ['CustomResourceDefinition'],
  ['PriorityClass', 'IngressClass', 'StorageClass', 'RuntimeClass'],
  [
    'ServiceAccount',
    'Secret',
    'ConfigMap',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'ResourceQuota',
    'LimitRange'
  ]
]

/** In the order to apply them; the order of the files is kept otherwise. */
export function inApplyOrder(manifests: readonly Manifest[]): Manifest[] {
  const rank = (manifest: Manifest): number => {
    const found = firstKinds.findIndex((kinds) => kinds.includes(manifest.kind))
    return found < 0 ? firstKinds.length : found
  }
  return [...manifests].sort((a, b) => rank(a) - rank(b))
}
