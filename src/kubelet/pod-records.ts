import type { ContainerState, Runtime, Sandbox } from '../runtime/runtime.js'
import { isMkError } from '../base/errors.js'
import { isDead } from './pod-view.js'
import { readTerminationMessage } from './termination-message.js'

/** What the engine holds of one pod, kept up to date by events and by what the kubelet does itself. */
export class PodRecords {
  readonly sandboxes = new Map<string, Sandbox>()
  readonly containers = new Map<string, ContainerState>()
  /** Termination messages of dead containers, by id. */
  readonly messages = new Map<string, string>()
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Takes over what a listing of the engine says; what is not in it any more is dropped. */
  async adopt(sandboxes: readonly Sandbox[], containers: readonly ContainerState[]): Promise<void> {
    this.sandboxes.clear()
    for (const sandbox of sandboxes) this.sandboxes.set(sandbox.id, sandbox)
    const listed = new Set(containers.map(({ id }) => id))
    for (const id of this.containers.keys()) if (!listed.has(id)) this.dropContainer(id)
    await Promise.all(containers.map((container) => this.setContainer(container)))
  }

  /** The message is read before the end is visible, so that a status never lacks it. */
  async setContainer(container: ContainerState): Promise<void> {
    if (isDead(container) && !this.messages.has(container.id))
      this.messages.set(container.id, await readTerminationMessage(container, this.#runtime))
    this.containers.set(container.id, container)
  }

  /** Asks the engine how a container is now. */
  async refresh(id: string): Promise<ContainerState | undefined> {
    try {
      const state = await this.#runtime.inspectContainer(id)
      await this.setContainer(state)
      return state
    } catch (error) {
      if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND')) throw error
      this.dropContainer(id)
      return undefined
    }
  }

  dropContainer(id: string): void {
    this.containers.delete(id)
    this.messages.delete(id)
  }
}
