import type { FieldError } from '../../base/status.js'
import { statusErrors } from '../../base/status.js'
import type { PodAttachOptions, PodExecOptions, PodLogOptions } from './backend.js'

const isTrue = (query: URLSearchParams, name: string) => ['true', '1'].includes(query.get(name) ?? '')

function container(query: URLSearchParams): { container?: string } {
  const name = query.get('container')
  return name ? { container: name } : {}
}

/** core/v1 PodAttachOptions. Upstream needs at least one of the streams. */
export function attachOptions(query: URLSearchParams): PodAttachOptions {
  const options = {
    ...container(query),
    stdin: isTrue(query, 'stdin'),
    stdout: isTrue(query, 'stdout'),
    stderr: isTrue(query, 'stderr'),
    tty: isTrue(query, 'tty')
  }
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw statusErrors.badRequest('you must specify at least 1 of stdin, stdout, stderr')
  }
  return options
}

/** core/v1 PodExecOptions. */
export function execOptions(query: URLSearchParams): PodExecOptions {
  const command = query.getAll('command')
  if (command.length === 0)
    throw statusErrors.badRequest('you must specify at least one command for the container')
  return { ...attachOptions(query), command }
}

/** core/v1 PodLogOptions, with upstream's validation (ValidatePodLogOptions). */
export function logOptions(query: URLSearchParams): PodLogOptions {
  const errors: FieldError[] = []
  const invalid = (field: string, message: string) => {
    errors.push({ type: 'FieldValueInvalid', field, message })
  }
  const integer = (name: 'tailLines' | 'limitBytes' | 'sinceSeconds', least: number) => {
    const text = query.get(name)
    if (text === null || text === '') return {}
    const value = Number(text)
    if (!Number.isSafeInteger(value))
      throw statusErrors.badRequest(`query parameter "${name}": "${text}" is not an integer`)
    if (value < least) {
      invalid(name, `Invalid value: ${value}: must be greater than ${least === 1 ? '0' : 'or equal to 0'}`)
    }
    return { [name]: value }
  }
  const sinceTime = query.get('sinceTime')
  if (sinceTime && Number.isNaN(Date.parse(sinceTime))) {
    throw statusErrors.badRequest(`query parameter "sinceTime": "${sinceTime}" is not an RFC 3339 time`)
  }
  const options: PodLogOptions = {
    ...container(query),
    follow: isTrue(query, 'follow'),
    previous: isTrue(query, 'previous'),
    timestamps: isTrue(query, 'timestamps'),
    ...integer('tailLines', 0),
    ...integer('limitBytes', 1),
    ...integer('sinceSeconds', 1),
    ...(sinceTime ? { sinceTime } : {})
  }
  if (options.sinceSeconds !== undefined && options.sinceTime !== undefined) {
    errors.push({
      type: 'FieldValueForbidden',
      field: '',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'
    })
  }
  if (errors.length > 0) throw statusErrors.invalid({ group: '', kind: 'PodLogOptions' }, '', errors)
  return options
}
