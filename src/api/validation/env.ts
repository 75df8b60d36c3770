import type { FieldError } from '../../base/status.js'
import type { Container, EnvVar, EnvFromSource, ObjectFieldSelector } from '../types.js'
import { fieldErrors, invalidAll, oneOf } from './field-errors.js'
import {
  configKeyProblems,
  dnsSubdomainProblems,
  envVarNameProblems,
  qualifiedNameProblems
} from './names.js'

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs'
]
const containerResources = [
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage'
]

/** core ValidateEnv and ValidateEnvFrom */
export function validateEnvironment(container: Container, at: string): FieldError[] {
  return [
    ...(container.env ?? []).flatMap((variable, i) => validateVariable(variable, `${at}.env[${String(i)}]`)),
    ...(container.envFrom ?? []).flatMap((source, i) =>
      validateEnvFrom(source, `${at}.envFrom[${String(i)}]`)
    )
  ]
}

function validateVariable(variable: EnvVar, at: string): FieldError[] {
  const errors = variable.name
    ? invalidAll(`${at}.name`, variable.name, envVarNameProblems(variable.name))
    : [fieldErrors.required(`${at}.name`)]
  const source = variable.valueFrom
  if (!source) return errors
  const field = `${at}.valueFrom`
  const given = Object.keys(source)
  if (given.length === 0) {
    errors.push(
      fieldErrors.invalid(
        field,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, ' +
          '`secretKeyRef` or `fileKeyRef`'
      )
    )
  }
  if (given.length > 1)
    errors.push(fieldErrors.invalid(field, '', 'may not have more than one field specified at a time'))
  if (variable.value)
    errors.push(fieldErrors.invalid(field, '', 'may not be specified when `value` is not empty'))
  if (source.fieldRef) errors.push(...validateFieldRef(source.fieldRef, envFieldPaths, `${field}.fieldRef`))
  if (source.resourceFieldRef) {
    const { resource } = source.resourceFieldRef
    errors.push(
      ...(resource.includes('hugepages-')
        ? []
        : oneOf(resource, containerResources, `${field}.resourceFieldRef.resource`, 'required'))
    )
  }
  if (source.configMapKeyRef)
    errors.push(...validateKeyRef(source.configMapKeyRef, `${field}.configMapKeyRef`))
  if (source.secretKeyRef) errors.push(...validateKeyRef(source.secretKeyRef, `${field}.secretKeyRef`))
  if (source.fileKeyRef)
    errors.push(fieldErrors.forbidden(`${field}.fileKeyRef`, 'mk does not support variables from files'))
  return errors
}

function validateKeyRef(reference: { name?: string | undefined; key: string }, at: string): FieldError[] {
  return [
    ...(reference.name ? [] : [fieldErrors.required(`${at}.name`)]),
    ...(reference.key
      ? invalidAll(`${at}.key`, reference.key, configKeyProblems(reference.key))
      : [fieldErrors.required(`${at}.key`)])
  ]
}

/** A downward API field: `metadata.labels['x']` or one of the paths that the place allows. */
export function validateFieldRef(
  reference: ObjectFieldSelector,
  paths: readonly string[],
  at: string
): FieldError[] {
  const { fieldPath, apiVersion } = reference
  if (!apiVersion) return [fieldErrors.required(`${at}.apiVersion`)]
  if (!fieldPath) return [fieldErrors.required(`${at}.fieldPath`)]
  const [, path, key] = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(fieldPath) ?? []
  if (path !== undefined && key !== undefined) {
    return invalidAll(at, key, qualifiedNameProblems(path.endsWith('annotations') ? key.toLowerCase() : key))
  }
  if (fieldPath.includes('[')) {
    return [
      fieldErrors.invalid(
        `${at}.fieldPath`,
        fieldPath,
        'error converting fieldPath: field label does not support subscript'
      )
    ]
  }
  return paths.includes(fieldPath) ? [] : [fieldErrors.notSupported(`${at}.fieldPath`, fieldPath, paths)]
}

function validateEnvFrom(source: EnvFromSource, at: string): FieldError[] {
  const errors = source.prefix
    ? invalidAll(`${at}.prefix`, source.prefix, envVarNameProblems(source.prefix))
    : []
  const given = (['configMapRef', 'secretRef'] as const).filter((name) => source[name] !== undefined)
  for (const name of given) {
    const reference = source[name]?.name
    if (!reference) errors.push(fieldErrors.required(`${at}.${name}.name`))
    else errors.push(...invalidAll(`${at}.${name}.name`, reference, dnsSubdomainProblems(reference)))
  }
  if (given.length === 0)
    errors.push(fieldErrors.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'))
  if (given.length > 1)
    errors.push(fieldErrors.invalid(at, '', 'may not have more than one field specified at a time'))
  return errors
}
