import type { ControllerFactory } from '../reconcile/controller.js'
import { deploymentController } from './deployment/deployment.js'
import { endpointSliceController } from './endpoints/endpoint-slice.js'
import { endpointsController } from './endpoints/endpoints.js'
import { endpointSliceMirroringController } from './endpoints/mirroring.js'
import { replicaSetController } from './replica-set/replica-set.js'

/** Every controller. A new one is a file and a line here. */
export const controllers: readonly ControllerFactory[] = [
  deploymentController,
  replicaSetController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController
]
