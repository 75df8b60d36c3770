import { isDeepStrictEqual } from 'node:util'
import type { Deployment, ReplicaSet } from '../api/types.js'
import { MkError } from '../base/errors.js'
import type { ObjectList } from '../base/object.js'
import { toYaml } from '../base/yaml.js'
import { podSelectorOf } from './pods.js'
import type { Session } from './session.js'
import { formatColumns } from './table.js'

const revisionAnnotation = 'deployment.kubernetes.io/revision'
const causeAnnotation = 'kubernetes.io/change-cause'
const hashLabel = 'pod-template-hash'

type Template = NonNullable<NonNullable<ReplicaSet['spec']>['template']>

interface Revision {
  readonly number: number
  readonly cause: string
  /** Without the hash that the controller added. */
  readonly template: Template
}

/** The table of revisions. */
export async function historyText(session: Session, deployment: Deployment): Promise<string> {
  const revisions = await revisionsOf(session, deployment)
  const rows = revisions.map((revision) => [String(revision.number), revision.cause])
  return `\n${formatColumns([['REVISION', 'CHANGE-CAUSE'], ...rows])}`
}

/** One revision's pod template. */
export async function revisionText(
  session: Session,
  deployment: Deployment,
  number: number
): Promise<string> {
  const { template } = pick(await revisionsOf(session, deployment), number)
  return `with revision #${number}\nPod Template:\n${toYaml(template).replace(/^(?=.)/gm, '  ')}`
}

/**
 * Gives the deployment an earlier revision's template (0: the last before the current one) and returns what was done,
 * in kubectl's words (polymorphichelpers/rollback.go).
 */
export async function undo(session: Session, deployment: Deployment, toRevision: number): Promise<string> {
  const { name, namespace = 'default' } = deployment.metadata
  if (deployment.spec?.paused) {
    throw new MkError('MK_INPUT', `you cannot rollback a paused deployment`, {
      hint: `resume it first: mk rollout resume deployment/${name}`
    })
  }
  const revisions = await revisionsOf(session, deployment)
  const before = revisions.at(-2)
  if (toRevision === 0 && !before) {
    throw new MkError('MK_INPUT', `no rollout history found for deployment "${name}"`)
  }
  const target = pick(revisions, toRevision || (before?.number ?? 0))
  if (isDeepStrictEqual(target.template, deployment.spec?.template)) {
    return `skipped rollback (current template already matches revision ${target.number})`
  }
  await session.client.json({
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/deployments/${encodeURIComponent(name)}`,
    query: { fieldManager: 'mk' },
    body: [{ op: 'replace', path: '/spec/template', value: target.template }],
    contentType: 'application/json-patch+json'
  })
  return 'rolled back'
}

/** The deployment's replica sets as revisions, oldest first. */
async function revisionsOf(session: Session, deployment: Deployment): Promise<Revision[]> {
  const { namespace = 'default', uid } = deployment.metadata
  const { body } = await session.client.json<ObjectList<ReplicaSet>>({
    path: `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/replicasets`,
    query: { labelSelector: podSelectorOf(deployment) }
  })
  return body.items
    .filter((set) => set.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid))
    .flatMap((set) => {
      const annotations = set.metadata.annotations ?? {}
      const template = set.spec?.template
      if (!template) return []
      const number = Number(annotations[revisionAnnotation] ?? 0)
      return [{ number, cause: annotations[causeAnnotation] ?? '<none>', template: withoutHash(template) }]
    })
    .sort((a, b) => a.number - b.number)
}

function pick(revisions: readonly Revision[], number: number): Revision {
  const found = revisions.find((revision) => revision.number === number)
  if (found) return found
  throw new MkError('MK_INPUT', `unable to find specified revision ${number} in history`, {
    hint: `there are: ${revisions.map((revision) => revision.number).join(', ') || 'none'}`
  })
}

function withoutHash(template: Template): Template {
  const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}
