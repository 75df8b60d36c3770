import { MkError } from '../base/errors.js'
import type { ApiResource, Discovery } from './discovery.js'

/** One object, or (without a name) all of a resource. */
export interface Target {
  readonly resource: ApiResource
  readonly name?: string | undefined
  /** Said by the object's file; else the command's namespace counts. */
  readonly namespace?: string | undefined
}

/** `deploy/x svc/y`, `pods a b`, `deploy,svc`, `all` as targets, in the order given (kubectl's resource builder). */
export async function parseTargets(words: readonly string[], discovery: Discovery): Promise<Target[]> {
  const [types, ...names] = words
  if (types === undefined) {
    throw new MkError('MK_INPUT', 'name the type of resource, such as pods or deploy/hello')
  }
  if (words.some((word) => word.includes('/'))) {
    return Promise.all(words.map((word) => parseSlash(word, discovery)))
  }
  const resources = (await Promise.all(types.split(',').map((type) => discovery.resolve(type)))).flat()
  if (names.length === 0) return resources.map((resource) => ({ resource }))
  return resources.flatMap((resource) => names.map((name) => ({ resource, name })))
}

/** One object of the user's words: `deploy/x` or `deploy x`; `fallback` is the type of a word alone. */
export async function parseOneTarget(
  words: readonly string[],
  discovery: Discovery,
  fallback?: string
): Promise<{ resource: ApiResource; name: string }> {
  const given =
    words.length === 1 && fallback !== undefined && !words[0]?.includes('/') ? [fallback, ...words] : words
  const [target, ...others] = await parseTargets(given, discovery)
  if (target?.name === undefined || others.length > 0) {
    throw new MkError('MK_INPUT', 'name one object, such as deploy/hello')
  }
  return { resource: target.resource, name: target.name }
}

async function parseSlash(word: string, discovery: Discovery): Promise<Target> {
  const [type, name, extra] = word.split('/')
  if (!type || !name || extra !== undefined) {
    throw new MkError('MK_INPUT', `"${word}" is not TYPE/NAME: write each object like deploy/hello`)
  }
  return { resource: await discovery.resolveOne(type), name }
}
