import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** One property of a published model, as its text declares it. */
export interface ModelProperty {
  name: string
  /** The TypeScript type in the package: `V1Container`, `Array<string>`, `{ [key: string]: string; }`, `Date`, … */
  type: string
  format: string
  description: string
  required: boolean
}

export interface Model {
  /** As the package names it: `V1Pod`, `CoreV1Event`. */
  name: string
  description: string
  properties: ModelProperty[]
}

/** `*` + `/` and quotes are escaped in the generated comments. */
const unescape = (text: string) =>
  text
    .replace(/\\(['"\\])/g, '$1')
    .replaceAll('*_/', '*/')
    .trim()

/** Reads the models of the npm package as text: it needs a newer Node than ours to be imported. */
export function readModels(): Map<string, Model> {
  const manifest = createRequire(import.meta.url).resolve('kubernetes-models-source')
  const folder = join(dirname(manifest), 'gen', 'models')
  const models = new Map<string, Model>()
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.d.ts')) continue
    const name = file.slice(0, -'.d.ts'.length)
    const code = readFileSync(join(folder, `${name}.js`), 'utf8')
    const declaration = readFileSync(join(folder, file), 'utf8')
    if (code.includes('.attributeTypeMap = [')) models.set(name, parseModel(name, declaration, code))
  }
  return models
}

function parseModel(name: string, declaration: string, code: string): Model {
  const described = new Map<string, { description: string; required: boolean }>()
  const fields = /(?:\/\*\*\s*\* ((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {4}'([^']+)'(\??):/gm
  for (const [, description, field, optional] of declaration.matchAll(fields)) {
    described.set(field ?? '', { description: unescape(description ?? ''), required: optional === '' })
  }
  const entries = /"name": "([^"]*)",\s*"baseName": "([^"]*)",\s*"type": "([^"]*)",\s*"format": "([^"]*)"/g
  const properties = [...code.matchAll(entries)].map(
    ([, field = '', baseName = '', type = '', format = '']) => ({
      name: baseName,
      type,
      format,
      ...(described.get(field) ?? { description: '', required: false })
    })
  )
  const about = /\/\*\*\s*\* ((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(declaration)?.[1] ?? ''
  return { name, description: unescape(about), properties }
}
