import type { Pod, PriorityClass } from '../../api/types.js'
import { statusErrors } from '../../base/status.js'
import type { AdmissionPlugin, AdmissionRequest } from './admission.js'
import { createdPod } from './pods.js'
import type { ObjectReader } from './reader.js'

const priorityClasses = { group: 'scheduling.k8s.io', kind: 'PriorityClass' }

/** Turns a pod's priority class into a number (plugin Priority). */
export function priority(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'Priority',
    mutate: (request) => {
      const pod = createdPod(request)
      if (pod) resolve(reader, request, pod)
    }
  }
}

function resolve(reader: ObjectReader, request: AdmissionRequest, { metadata, spec }: Pod): void {
  const found = spec.priorityClassName
    ? reader.get<PriorityClass>(priorityClasses, undefined, spec.priorityClassName)
    : defaultClass(reader)
  if (spec.priorityClassName && !found) {
    const why = `no PriorityClass with name ${spec.priorityClassName} was found`
    throw statusErrors.forbidden(request.kind, metadata.name, why)
  }
  const value = found?.value ?? 0
  if (spec.priority !== undefined && spec.priority !== value) {
    const why =
      `the integer value of priority (${String(spec.priority)}) must not be provided in pod spec; priority admission ` +
      `controller computed ${String(value)} from the given PriorityClass name`
    throw statusErrors.forbidden(request.kind, metadata.name, why)
  }
  spec.priority = value
  if (found && !spec.priorityClassName) spec.priorityClassName = found.metadata.name
  spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority'
}

/** Of several default classes the lowest counts. */
function defaultClass(reader: ObjectReader): PriorityClass | undefined {
  const defaults = reader.list<PriorityClass>(priorityClasses).filter((one) => one.globalDefault === true)
  return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
}
