export type KillReason = 'liveness' | 'startup' | 'definition' | 'sandbox' | 'stop'

/** One thing to do now. Actions of one plan are independent of each other and run at the same time. */
export type Action =
  | { type: 'mountVolumes' }
  | { type: 'createSandbox' }
  | { type: 'removeSandbox'; id: string }
  /** Sees to it that the image is on the engine, pulling it if the policy says so. */
  | { type: 'ensureImage'; container: string }
  | { type: 'startContainer'; container: string; kind: 'init' | 'app'; attempt: number; backoffMs: number }
  | { type: 'killContainer'; id: string; container: string; reason: KillReason; graceSeconds: number }
  | { type: 'removeContainer'; id: string }
  /** Writes the final status of a pod being deleted. */
  | { type: 'reportFinalStatus' }
  /** Removes volumes and directories. */
  | { type: 'cleanUp' }
  /** The object may go: deletes it with grace 0. */
  | { type: 'finish' }

export interface Waiting {
  reason: string
  message: string
}

export interface Plan {
  actions: Action[]
  /** Containers held back by crash back-off, by name. */
  waiting: Map<string, Waiting>
  /** When to plan again if nothing happens before. */
  wakeAt?: Date
  /** Set when nothing of the pod shall run any more. */
  ending?: Ending
}

/** Why a pod comes to its end. `deadline` is activeDeadlineSeconds. */
export type Ending = 'deleted' | 'gone' | 'rejected' | 'finished' | 'terminal' | 'deadline' | 'node-stop'
