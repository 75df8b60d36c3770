import type { DataPlane } from './contract.js'
import { LocalDataPlane } from './local-data-plane.js'
import { ThreadedDataPlane } from './threaded-data-plane.js'
import type { ThreadedDataPlaneOptions } from './threaded-data-plane.js'

export interface DataPlaneOptions extends Omit<ThreadedDataPlaneOptions, 'workerUrl'> {
  /** The thread's program; without one, all runs in this thread (tests). */
  workerUrl?: URL | undefined
}

export function createDataPlane({ workerUrl, ...options }: DataPlaneOptions): DataPlane {
  return workerUrl ? new ThreadedDataPlane({ ...options, workerUrl }) : new LocalDataPlane(options)
}
