import type { ControllerFactory } from '../reconcile/controller.js'
import { deploymentController } from './deployment/deployment.js'
import { endpointSliceController } from './endpoints/endpoint-slice.js'
import { endpointsController } from './endpoints/endpoints.js'
import { endpointSliceMirroringController } from './endpoints/mirroring.js'
import { eventTtlController } from './event-ttl.js'
import { garbageCollector } from './garbage-collector/garbage-collector.js'
import { namespaceController } from './namespace.js'
import { nodeLifecycleController } from './node-lifecycle.js'
import { podGarbageCollector } from './pod-gc.js'
import { replicaSetController } from './replica-set/replica-set.js'
import { rootCaPublisher } from './root-ca-publisher.js'
import { serviceAccountController } from './service-account.js'
import { taintEvictionController } from './taint-eviction.js'

/** Every controller. A new one is a file and a line here. */
export const controllers: readonly ControllerFactory[] = [
  deploymentController,
  replicaSetController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  namespaceController,
  serviceAccountController,
  rootCaPublisher,
  garbageCollector,
  podGarbageCollector,
  nodeLifecycleController,
  taintEvictionController,
  eventTtlController
]
