import type { KubeObject } from '../../base/object.js'
import { describeDeployment } from './deployment.js'
import { type DescribeContext, type Describer, writeMetadata } from './describer.js'
import { eventsOf } from './events.js'
import { describeGeneric } from './generic.js'
import { describeIngress } from './ingress.js'
import { describeNode } from './node.js'
import { describePod } from './pod.js'
import { describeService } from './service.js'
import { Writer } from './writer.js'

/** Describers by `Kind` or `Kind.group`; all other kinds are described generically. */
const describers: Readonly<Record<string, Describer>> = {
  Pod: describePod as Describer,
  Service: describeService as Describer,
  Node: describeNode as Describer,
  'Deployment.apps': describeDeployment as Describer,
  'Ingress.networking.k8s.io': describeIngress as Describer
}

/** The whole text for one object. */
export async function describe(object: KubeObject, group: string, context: DescribeContext): Promise<string> {
  const writer = new Writer()
  writeMetadata(object, writer)
  const describer = describers[[object.kind ?? '', group].filter(Boolean).join('.')] ?? describeGeneric
  await describer(object, writer, context)
  const events = object.kind === 'Event' ? '' : await eventsOf(context.session, object, context.now)
  return `${writer.toString()}${events}`
}
