import { boolean, integer, string } from '@oclif/core/flags'
import { MkError } from '../base/errors.js'

/** Flags that several commands share, and their spelling. */
export const namespaceFlag = string({ char: 'n', description: 'Namespace to work in; default: default' })
export const allNamespacesFlag = boolean({ char: 'A', description: 'Work in all namespaces' })
export const selectorFlag = string({
  char: 'l',
  description: 'Label selector: key=value, key!=value, key in (a,b), key'
})
export const fieldSelectorFlag = string({
  description: 'Field selector, such as metadata.name=x or status.phase=Running'
})
export const filenameFlag = string({
  char: 'f',
  multiple: true,
  multipleNonGreedy: true,
  delimiter: ',',
  description: 'File, folder, URL, or - for standard input; may be repeated'
})
export const recursiveFlag = boolean({ char: 'R', description: 'Look into the folders of folders as well' })
export const containerFlag = string({ char: 'c', description: 'Container; default: the first of the pod' })
export const yesFlag = boolean({ char: 'y', description: 'Do not ask' })
export const portFlag = (description: string) => integer({ min: 1, max: 65535, description })
export { boolean, integer, string }

/** Reads a Go duration (`90s`, `1m30s`, `250ms`, `0`) as milliseconds; a number alone is seconds. */
export function parseDurationMs(text: string, flag: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new MkError('MK_INPUT', `invalid ${flag} "${text}": a duration is written like 90s, 5m or 1h30m`)
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (units[part[2] ?? ''] ?? 0), 0)
}
