import type { KubeObject } from '../../base/object.js'
import { toYaml } from '../../base/yaml.js'
import type { Describer } from './describer.js'

/** All fields of an object besides its metadata, as YAML; data of a Secret only by size, as kubectl does. */
export const describeGeneric: Describer = (object, writer) => {
  const {
    apiVersion: _version,
    kind,
    metadata: _metadata,
    ...fields
  } = object as KubeObject & Record<string, unknown>
  for (const [name, value] of Object.entries(fields)) {
    if (kind === 'Secret' && (name === 'data' || name === 'stringData')) writeSizes(name, value, writer)
    else if (typeof value === 'object' && value !== null) writer.heading(titleOf(name)).text(toYaml(value), 1)
    else writer.field(titleOf(name), String(value))
  }
}

function writeSizes(name: string, value: unknown, writer: Parameters<Describer>[1]): void {
  writer.heading(titleOf(name))
  for (const [key, text] of Object.entries((value ?? {}) as Record<string, string>)) {
    writer.field(key, `${Buffer.from(text, 'base64').length} bytes`, 1)
  }
}

const titleOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
