import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { Secret } from '../types.js'
import { fieldErrors, immutable, invalidAll, sameValue } from '../validation/field-errors.js'
import { maxDataBytes, validateFrozen } from '../validation/frozen-data.js'
import { configKeyProblems } from '../validation/names.js'
import { defineKind } from './define-kind.js'

/** Keys that a secret of a type must have (core ValidateSecret). */
const neededKeys: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'kubernetes.io/tls': ['tls.crt', 'tls.key'],
    'kubernetes.io/ssh-auth': ['ssh-privatekey'],
    'kubernetes.io/dockercfg': ['.dockercfg'],
    'kubernetes.io/dockerconfigjson': ['.dockerconfigjson']
  })
)

function validate(secret: Secret, old?: Secret): FieldError[] {
  const data = secret.data ?? {}
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidAll(`data[${key}]`, key, configKeyProblems(key)))
    bytes += Buffer.byteLength(value, 'base64')
  }
  if (bytes > maxDataBytes) errors.push(fieldErrors.tooLong('data', maxDataBytes))
  errors.push(...validateType(secret))
  if (old) {
    errors.push(...immutable(secret.type, old.type, 'type'))
    errors.push(...validateFrozen(secret, old, { data: !sameValue(secret.data, old.data) }))
  }
  return errors
}

function validateType(secret: Secret): FieldError[] {
  const data = secret.data ?? {}
  const errors = (neededKeys.get(secret.type ?? '') ?? [])
    .filter((key) => !Object.hasOwn(data, key))
    .map((key) => fieldErrors.required(`data[${key}]`))
  if (
    secret.type === 'kubernetes.io/basic-auth' &&
    data['username'] === undefined &&
    data['password'] === undefined
  ) {
    errors.push(fieldErrors.required('data[username]'), fieldErrors.required('data[password]'))
  }
  if (
    secret.type === 'kubernetes.io/service-account-token' &&
    !secret.metadata.annotations?.['kubernetes.io/service-account.name']
  ) {
    errors.push(fieldErrors.required('metadata.annotations[kubernetes.io/service-account.name]'))
  }
  const key = neededKeys
    .get(secret.type ?? '')
    ?.find((name) => name.startsWith('.docker') && Object.hasOwn(data, name))
  if (key !== undefined) {
    try {
      JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString('utf8'))
    } catch (error) {
      // The contents stay out of the message.
      const why = error instanceof SyntaxError ? 'invalid character in JSON' : 'unreadable'
      errors.push(fieldErrors.invalid(`data[${key}]`, '<secret contents redacted>', why))
    }
  }
  return errors
}

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  generation: false,
  applyDefaults: (secret) => {
    secret.type ||= 'Opaque'
    // Plain text is write-only: it is stored as data.
    if (secret.stringData) {
      const encoded = Object.entries(secret.stringData).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64')
      ])
      secret.data = { ...secret.data, ...(Object.fromEntries(encoded) as Record<string, string>) }
      delete secret.stringData
    }
  },
  validate,
  selectableFields: { type: (secret) => secret.type ?? '' },
  columns: [
    nameColumn,
    column('Type', (secret) => secret.type ?? ''),
    column('Data', (secret) => Object.keys(secret.data ?? {}).length),
    ageColumn
  ]
})
