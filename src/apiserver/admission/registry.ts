import type { AdmissionPlugin } from './admission.js'
import { defaultIngressClass } from './default-ingress-class.js'
import { defaultTolerations } from './default-tolerations.js'
import { namespaceLifecycle } from './namespace-lifecycle.js'
import { priority } from './priority.js'
import type { ObjectReader } from './reader.js'
import { serviceAccount } from './service-account.js'
import { serviceAddresses } from './service-addresses.js'

/** All admission plugins, in the order in which they run. A new one is a file and a line here. */
export function admissionPlugins(options: { reader: ObjectReader; serviceCidr: string }): AdmissionPlugin[] {
  const { reader, serviceCidr } = options
  return [
    namespaceLifecycle(reader),
    serviceAccount(reader),
    defaultTolerations,
    priority(reader),
    defaultIngressClass(reader),
    serviceAddresses(reader, serviceCidr)
  ]
}
