import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { ConfigMap } from '../types.js'
import { fieldErrors, invalidAll, sameValue } from '../validation/field-errors.js'
import { configKeyProblems } from '../validation/names.js'
import { maxDataBytes, validateFrozen } from '../validation/frozen-data.js'
import { defineKind } from './define-kind.js'

function validate(map: ConfigMap, old?: ConfigMap): FieldError[] {
  const { data = {}, binaryData = {} } = map
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidAll(`data[${key}]`, key, configKeyProblems(key)))
    if (Object.hasOwn(binaryData, key))
      errors.push(fieldErrors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    bytes += Buffer.byteLength(value)
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...invalidAll(`binaryData[${key}]`, key, configKeyProblems(key)))
    bytes += Buffer.byteLength(value, 'base64')
  }
  if (bytes > maxDataBytes) errors.push(fieldErrors.tooLong('', maxDataBytes))
  if (old) {
    errors.push(
      ...validateFrozen(map, old, {
        data: !sameValue(map.data, old.data),
        binaryData: !sameValue(map.binaryData, old.binaryData)
      })
    )
  }
  return errors
}

export const configMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  generation: false,
  validate,
  columns: [
    nameColumn,
    column('Data', (map) => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length),
    ageColumn
  ]
})
