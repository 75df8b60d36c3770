import { chmod, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MkError } from '../base/errors.js'
import { parseYamlDocuments, toYaml } from '../base/yaml.js'

interface Named {
  name: string
}

interface Kubeconfig extends Record<string, unknown> {
  clusters?: Named[] | null
  contexts?: Named[] | null
  users?: Named[] | null
  'current-context'?: string
}

/** The file that kubectl itself would write to: the first of $KUBECONFIG, else ~/.kube/config. */
export function targetKubeconfig(env: Readonly<Record<string, string | undefined>>): string {
  const first = (env['KUBECONFIG'] ?? '').split(':').find((path) => path !== '')
  return first === undefined ? join(env['HOME'] ?? '/', '.kube', 'config') : resolve(first)
}

/**
 * Puts the cluster, user and context of `own` into the other configuration, in place of those with the same names.
 * The current context stays unless `use`.
 */
export function mergeKubeconfig(other: Kubeconfig, own: Kubeconfig, use: boolean): Kubeconfig {
  const replace = (list: Named[] | null | undefined, ours: Named[] | null | undefined) => {
    const names = new Set((ours ?? []).map((entry) => entry.name))
    return [...(list ?? []).filter((entry) => !names.has(entry.name)), ...(ours ?? [])]
  }
  return {
    ...other,
    apiVersion: 'v1',
    kind: 'Config',
    clusters: replace(other.clusters, own.clusters),
    contexts: replace(other.contexts, own.contexts),
    users: replace(other.users, own.users),
    'current-context': use ? 'mk' : (other['current-context'] ?? '')
  }
}

/** Merges into the file in one step and returns its current context. The file's mode and links are kept. */
export async function mergeKubeconfigFile(options: {
  own: string
  target: string
  use: boolean
}): Promise<string> {
  const { own, target, use } = options
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const file = await realpath(target).catch(() => target)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return ''
    throw new MkError('MK_INPUT', `can't read ${target}: ${cause.message}`, { cause })
  })
  const merged = mergeKubeconfig(parse(text, target), parse(own, 'the kubeconfig of mk'), use)
  const mode = await stat(file).then(
    (info) => info.mode & 0o777,
    () => 0o600
  )
  const draft = `${file}.mk-${process.pid}`
  await writeFile(draft, toYaml(merged), { mode: 0o600 })
  await chmod(draft, mode)
  await rename(draft, file)
  return merged['current-context'] ?? ''
}

function parse(text: string, file: string): Kubeconfig {
  const value = parseYamlDocuments(text, { file })[0]?.value ?? {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Kubeconfig
  throw new MkError('MK_INPUT', `${file} is no kubeconfig: it is left as it is`)
}
