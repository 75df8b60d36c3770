import type { FieldError } from '../../base/status.js'
import type { Container, KeyToPath, PodSpec, Volume, VolumeMount } from '../types.js'
import { fieldErrors, invalidAll, oneOf } from './field-errors.js'
import { validateFieldRef } from './env.js'
import { configKeyProblems, dnsLabelProblems } from './names.js'
import { validateQuantity } from './resources.js'

const supportedSources = ['emptyDir', 'configMap', 'secret', 'downwardAPI', 'projected', 'hostPath']
const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket'
]
const downwardPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid'
]

/** core ValidateVolumes; sources that nothing in mk can mount are refused. */
export function validateVolumes(spec: PodSpec, at: string): FieldError[] {
  const names = new Set<string>()
  return (spec.volumes ?? []).flatMap((volume, i) => {
    const field = `${at}.volumes[${String(i)}]`
    const errors = volume.name
      ? invalidAll(`${field}.name`, volume.name, dnsLabelProblems(volume.name))
      : [fieldErrors.required(`${field}.name`)]
    if (names.has(volume.name)) errors.push(fieldErrors.duplicate(`${field}.name`, volume.name))
    names.add(volume.name)
    return [...errors, ...validateSource(volume, field)]
  })
}

function validateSource(volume: Volume, at: string): FieldError[] {
  const given = Object.keys(volume).filter((key) => key !== 'name')
  const errors = given
    .slice(1)
    .map((extra) => fieldErrors.forbidden(`${at}.${extra}`, 'may not specify more than 1 volume type'))
  for (const source of given.filter((name) => !supportedSources.includes(name))) {
    errors.push(
      fieldErrors.forbidden(
        `${at}.${source}`,
        `mk does not support volumes of this type; supported are ${supportedSources.join(', ')}`
      )
    )
  }
  const { emptyDir, configMap, secret, downwardAPI, projected, hostPath } = volume
  if (emptyDir) {
    const size = emptyDir.sizeLimit
    if (size !== undefined) errors.push(...validateQuantity(size, `${at}.emptyDir.sizeLimit`))
    const medium = emptyDir.medium
    if (medium && medium !== 'Memory' && !medium.startsWith('HugePages')) {
      errors.push(fieldErrors.notSupported(`${at}.emptyDir.medium`, medium, ['', 'HugePages', 'Memory']))
    }
    if (medium?.startsWith('HugePages')) {
      errors.push(fieldErrors.forbidden(`${at}.emptyDir.medium`, 'mk does not support huge pages'))
    }
  }
  if (hostPath) {
    if (!hostPath.path) errors.push(fieldErrors.required(`${at}.hostPath.path`))
    else errors.push(...noBacksteps(hostPath.path, `${at}.hostPath.path`))
    if (!hostPathTypes.includes(hostPath.type ?? '')) {
      errors.push(fieldErrors.notSupported(`${at}.hostPath.type`, hostPath.type, hostPathTypes))
    }
  }
  if (configMap) {
    if (!configMap.name) errors.push(fieldErrors.required(`${at}.configMap.name`))
    errors.push(...validateFiles(configMap, `${at}.configMap`))
  }
  if (secret) {
    if (!secret.secretName) errors.push(fieldErrors.required(`${at}.secret.secretName`))
    errors.push(...validateFiles(secret, `${at}.secret`))
  }
  if (downwardAPI) errors.push(...validateDownward(downwardAPI, `${at}.downwardAPI`))
  if (projected) errors.push(...validateProjected(projected, `${at}.projected`))
  return errors
}

const maxMode = 0o777

const validateMode = (mode: number | undefined, field: string): FieldError[] =>
  mode !== undefined && (mode < 0 || mode > maxMode)
    ? [fieldErrors.invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : []

function validateFiles(
  source: { items?: KeyToPath[] | undefined; defaultMode?: number | undefined },
  at: string
): FieldError[] {
  return [
    ...validateMode(source.defaultMode, `${at}.defaultMode`),
    ...(source.items ?? []).flatMap((item, i) => {
      const field = `${at}.items[${String(i)}]`
      return [
        ...(item.key
          ? invalidAll(`${field}.key`, item.key, configKeyProblems(item.key))
          : [fieldErrors.required(`${field}.key`)]),
        ...(item.path ? localPath(item.path, `${field}.path`) : [fieldErrors.required(`${field}.path`)]),
        ...validateMode(item.mode, `${field}.mode`)
      ]
    })
  ]
}

function validateDownward(source: NonNullable<Volume['downwardAPI']>, at: string): FieldError[] {
  return [
    ...validateMode(source.defaultMode, `${at}.defaultMode`),
    ...(source.items ?? []).flatMap((item, i) => {
      const field = `${at}.items[${String(i)}]`
      const errors = item.path
        ? localPath(item.path, `${field}.path`)
        : [fieldErrors.required(`${field}.path`)]
      if (item.fieldRef) {
        errors.push(...validateFieldRef(item.fieldRef, downwardPaths, `${field}.fieldRef`))
        if (item.resourceFieldRef) {
          errors.push(
            fieldErrors.invalid(
              field,
              'resource',
              'fieldRef and resourceFieldRef can not be specified simultaneously'
            )
          )
        }
      } else if (item.resourceFieldRef) {
        if (!item.resourceFieldRef.containerName)
          errors.push(fieldErrors.required(`${field}.resourceFieldRef.containerName`))
      } else
        errors.push(
          fieldErrors.required(`${field}.fieldRef`, 'one of fieldRef and resourceFieldRef is required')
        )
      return [...errors, ...validateMode(item.mode, `${field}.mode`)]
    })
  ]
}

const projections = ['configMap', 'downwardAPI', 'secret', 'serviceAccountToken']

function validateProjected(source: NonNullable<Volume['projected']>, at: string): FieldError[] {
  const errors = validateMode(source.defaultMode, `${at}.defaultMode`)
  ;(source.sources ?? []).forEach((projection, i) => {
    const field = `${at}.sources[${String(i)}]`
    const given = Object.keys(projection)
    if (given.length === 0) errors.push(fieldErrors.required(field, 'must specify at least one projection'))
    for (const extra of given.slice(1)) {
      errors.push(fieldErrors.forbidden(`${field}.${extra}`, 'may not specify more than 1 volume type'))
    }
    for (const name of given.filter((name) => !projections.includes(name))) {
      errors.push(
        fieldErrors.forbidden(
          `${field}.${name}`,
          `mk does not support this projection; supported are ${projections.join(', ')}`
        )
      )
    }
    const { configMap, secret, downwardAPI, serviceAccountToken: token } = projection
    if (configMap)
      errors.push(
        ...required(configMap.name, `${field}.configMap.name`),
        ...validateFiles(configMap, `${field}.configMap`)
      )
    if (secret)
      errors.push(
        ...required(secret.name, `${field}.secret.name`),
        ...validateFiles(secret, `${field}.secret`)
      )
    if (downwardAPI) errors.push(...validateDownward(downwardAPI, `${field}.downwardAPI`))
    if (token) {
      const seconds = token.expirationSeconds ?? 0
      if (seconds < 600) {
        errors.push(
          fieldErrors.invalid(
            `${field}.serviceAccountToken.expirationSeconds`,
            seconds,
            'may not specify a duration less than 10 minutes'
          )
        )
      }
      errors.push(
        ...required(token.path, `${field}.serviceAccountToken.path`),
        ...localPath(token.path, `${field}.serviceAccountToken.path`)
      )
    }
  })
  return errors
}

const required = (value: string | undefined, field: string): FieldError[] =>
  value ? [] : [fieldErrors.required(field)]

const noBacksteps = (path: string, field: string): FieldError[] =>
  path.split('/').includes('..') ? [fieldErrors.invalid(field, path, "must not contain '..'")] : []

/** A path inside of a volume (validateLocalNonReservedPath). */
function localPath(path: string, field: string): FieldError[] {
  if (path.startsWith('/')) return [fieldErrors.invalid(field, path, 'must be a relative path')]
  if (path.split('/').includes('..')) return noBacksteps(path, field)
  return path.startsWith('..') ? [fieldErrors.invalid(field, path, "must not start with '..'")] : []
}

/** core ValidateVolumeMounts: names exist, paths are distinct, sub-paths stay inside. */
export function validateVolumeMounts(
  container: Container,
  volumes: ReadonlySet<string>,
  at: string
): FieldError[] {
  const paths = new Set<string>()
  const errors = (container.volumeMounts ?? []).flatMap((mount, i) => {
    const field = `${at}.volumeMounts[${String(i)}]`
    const found = validateMount(mount, field)
    if (!mount.name) found.unshift(fieldErrors.required(`${field}.name`))
    else if (!volumes.has(mount.name)) found.unshift(fieldErrors.notFound(`${field}.name`, mount.name))
    if (paths.has(mount.mountPath))
      found.push(fieldErrors.invalid(`${field}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    return found
  })
  if ((container.volumeDevices ?? []).length > 0) {
    errors.push(fieldErrors.forbidden(`${at}.volumeDevices`, 'mk does not support block devices as volumes'))
  }
  return errors
}

const propagations = ['Bidirectional', 'HostToContainer', 'None']

function validateMount(mount: VolumeMount, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (!mount.mountPath) errors.push(fieldErrors.required(`${at}.mountPath`))
  if (mount.subPath) errors.push(...localPath(mount.subPath, `${at}.subPath`))
  if (mount.subPathExpr) {
    if (mount.subPath)
      errors.push(
        fieldErrors.invalid(
          `${at}.subPathExpr`,
          mount.subPathExpr,
          'subPathExpr and subPath are mutually exclusive'
        )
      )
    errors.push(...localPath(mount.subPathExpr, `${at}.subPathExpr`))
  }
  errors.push(...oneOf(mount.mountPropagation, propagations, `${at}.mountPropagation`))
  if (mount.recursiveReadOnly && mount.recursiveReadOnly !== 'Disabled') {
    errors.push(
      fieldErrors.forbidden(`${at}.recursiveReadOnly`, 'mk does not support recursive read-only mounts')
    )
  }
  return errors
}
