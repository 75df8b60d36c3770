import type { KubeObject } from '../base/object.js'
import type { Column } from './kind.js'

/** Ages as kubectl shows them, in three characters at most (apimachinery duration.HumanDuration). */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${String(seconds)}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${String(minutes)}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${String(hours)}h`
  const days = Math.trunc(hours / 24)
  if (hours < 192) return pair(days, 'd', hours % 24, 'h')
  if (hours < 24 * 365 * 2) return `${String(days)}d`
  const years = Math.trunc(hours / (24 * 365))
  return hours < 24 * 365 * 8 ? pair(years, 'y', days % 365, 'd') : `${String(years)}y`
}

const pair = (first: number, unit: string, second: number, secondUnit: string) =>
  second === 0 ? `${String(first)}${unit}` : `${String(first)}${unit}${String(second)}${secondUnit}`

/** The time since a timestamp, or `<unknown>`. */
export const ageOf = (timestamp: string | undefined | null, now: Date): string =>
  timestamp ? humanDuration(now.getTime() - Date.parse(timestamp)) : '<unknown>'

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata.name
}

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  cell: (object, now) => ageOf(object.metadata.creationTimestamp, now)
}

/** A column that is shown always. */
export function column<T extends KubeObject>(
  name: string,
  cell: Column<T>['cell'],
  type: Column['type'] = 'string'
): Column<T> {
  return { name, type, cell }
}

/** A column that only `-o wide` shows. */
export function wideColumn<T extends KubeObject>(name: string, cell: Column<T>['cell']): Column<T> {
  return { name, type: 'string', priority: 1, cell }
}

/** `a=b,c=d` in key order, or `<none>` (labels.FormatLabels). */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}
