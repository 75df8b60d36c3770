import { MkError } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'
import { isReason, type StatusError } from '../base/status.js'
import { parseGroupVersion } from '../api/kind.js'
import { type ApiResource, pathOf } from './discovery.js'
import type { Manifest } from './manifest.js'
import type { Session } from './session.js'

export interface ApplyOptions {
  /** For objects that name no namespace. */
  readonly namespace: string
  /** Was the namespace given by -n? Then a manifest that names another one is refused. */
  readonly namespaceEnforced: boolean
  readonly dryRun: 'none' | 'server' | 'client'
  readonly fieldManager: string
  readonly validate: 'Strict' | 'Warn' | 'Ignore'
  /** Take over fields that another manager owns, with a note; else a conflict is an error. */
  readonly forceConflicts: boolean
  readonly onNote: (text: string) => void
}

export interface Applied {
  readonly resource: ApiResource
  readonly manifest: Manifest
  readonly object: KubeObject
  readonly outcome: 'created' | 'configured' | 'unchanged'
}

/**
 * Applies one object on the server (server-side apply). What changed is told by the resource version, since an apply
 * that changes nothing keeps it.
 */
export async function applyManifest(
  session: Session,
  manifest: Manifest,
  options: ApplyOptions
): Promise<Applied> {
  const resource = await resourceOfManifest(session, manifest)
  const namespace = resource.namespaced ? namespaceOf(manifest, options) : undefined
  const path = pathOf(resource, { namespace, name: manifest.name })
  const before = await existing(session, path)
  if (options.dryRun === 'client') {
    const object = manifest.object as unknown as KubeObject
    return { resource, manifest, object, outcome: before ? 'configured' : 'created' }
  }
  const object = await patch(session, path, withNamespace(manifest, namespace), options)
  const same = before?.metadata.resourceVersion === object.metadata.resourceVersion
  return { resource, manifest, object, outcome: !before ? 'created' : same ? 'unchanged' : 'configured' }
}

/** The resource of the manifest's kind. kubectl's words when there is none (resource.unstructuredMatch). */
export async function resourceOfManifest(session: Session, manifest: Manifest): Promise<ApiResource> {
  const { apiVersion, kind, name, source } = manifest
  const found = await session.discovery.resourceFor({ ...parseGroupVersion(apiVersion), kind })
  if (found) return found
  const elsewhere = (await session.discovery.all()).find((r) => r.kind === kind)
  const other = elsewhere && (elsewhere.group ? `${elsewhere.group}/${elsewhere.version}` : elsewhere.version)
  throw new MkError(
    'MK_INPUT',
    `resource mapping not found for name: "${name}" namespace: "${manifest.namespace ?? ''}" from "${source}": ` +
      `no matches for kind "${kind}" in version "${apiVersion}"`,
    {
      hint: other
        ? `${kind} is served as apiVersion: ${other}`
        : `mk does not have this kind; \`mk api-resources\` lists those it has`
    }
  )
}

function namespaceOf(manifest: Manifest, options: ApplyOptions): string {
  const own = manifest.namespace
  if (own !== undefined && options.namespaceEnforced && own !== options.namespace) {
    throw new MkError(
      'MK_INPUT',
      `${manifest.source}:${manifest.line}: the namespace from the provided object "${own}" does not match the ` +
        `namespace "${options.namespace}"`,
      { hint: `you must pass '--namespace=${own}' to perform this operation` }
    )
  }
  return own ?? options.namespace
}

function withNamespace(manifest: Manifest, namespace: string | undefined): Record<string, unknown> {
  if (namespace === undefined) return manifest.object
  return { ...manifest.object, metadata: { ...manifest.object.metadata, namespace } }
}

async function existing(session: Session, path: string): Promise<KubeObject | undefined> {
  try {
    return (await session.client.json<KubeObject>({ path })).body
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined
    throw error
  }
}

async function patch(
  session: Session,
  path: string,
  body: Record<string, unknown>,
  options: ApplyOptions
): Promise<KubeObject> {
  const send = async (force: boolean) => {
    const query = {
      fieldManager: options.fieldManager,
      fieldValidation: options.validate,
      force: force || undefined,
      dryRun: options.dryRun === 'server' ? 'All' : undefined
    }
    const request = {
      method: 'PATCH',
      path,
      query,
      body,
      contentType: 'application/apply-patch+yaml'
    } as const
    return (await session.client.json<KubeObject>(request)).body
  }
  try {
    return await send(false)
  } catch (error) {
    if (!options.forceConflicts || !isFieldConflict(error)) throw error
    const fields = (error.status.details?.causes ?? []).map((cause) => cause.field).join(', ')
    options.onNote(`Warning: ${fields} changed by somebody else, set back as the file says`)
    return send(true)
  }
}

function isFieldConflict(error: unknown): error is StatusError {
  if (!isReason(error, 'Conflict')) return false
  return (error.status.details?.causes ?? []).some((cause) => cause.reason === 'FieldManagerConflict')
}
