import type { Container } from '../api/types.js'
import type { ContainerState, Sandbox } from '../runtime/runtime.js'
import { specHash } from './container-hash.js'
import type { KillReason, Plan } from './action.js'
import { busyKeys, failureKeys, isDead, isSidecar, latestOf, readySandbox } from './pod-view.js'
import type { PodView } from './pod-view.js'
import { crashBackoff, lastExitCode, nextAttempt, shouldRestart } from './restart.js'

/** Brings a pod up and keeps it so: volumes and sandbox, then init containers in order, then the others. */
export function planRun(view: PodView): Plan {
  return new RunPlanner(view).plan()
}

class RunPlanner {
  readonly #view: PodView
  readonly #sandbox: Sandbox | undefined
  readonly #plan: Plan = { actions: [], waiting: new Map() }
  #isStartPlanned: boolean

  constructor(view: PodView) {
    this.#view = view
    this.#sandbox = readySandbox(view)
    this.#isStartPlanned = view.busy.has(busyKeys.start)
  }

  plan(): Plan {
    this.#planVolumes()
    this.#planSandbox()
    this.#removeLeftovers()
    if (this.#planInit()) {
      for (const container of this.#view.pod.spec.containers) this.#planContainer(container, 'app')
    }
    return this.#plan
  }

  #planVolumes(): void {
    const { areVolumesReady, areVolumesStale, busy } = this.#view
    if (
      (areVolumesReady && !areVolumesStale) ||
      busy.has(busyKeys.volumes) ||
      this.#mustWait(failureKeys.volumes)
    )
      return
    this.#plan.actions.push({ type: 'mountVolumes' })
  }

  /** A sandbox whose pause process died has no network: what ran in it is killed, and a new one is made. */
  #planSandbox(): void {
    const { sandboxes, containers, busy, pod, areVolumesReady } = this.#view
    const old = sandboxes.filter((sandbox) => sandbox !== this.#sandbox)
    const strays = containers.filter((c) => c.state === 'running' && c.sandboxId !== this.#sandbox?.id)
    for (const container of strays) this.#kill(container, 'sandbox')
    if (busy.has(busyKeys.sandbox)) return
    const removable = old.find(({ id }) => !strays.some((container) => container.sandboxId === id))
    if (removable) {
      this.#plan.actions.push({ type: 'removeSandbox', id: removable.id })
      return
    }
    if (this.#sandbox || old.length > 0 || strays.length > 0 || this.#mustWait(failureKeys.sandbox)) return
    // The sandbox holds tmpfs volumes, so these must be known; everything else is made at the same time.
    const needsVolumes = (pod.spec.volumes ?? []).some((volume) => volume.emptyDir?.medium === 'Memory')
    if (needsVolumes && !areVolumesReady) return
    this.#plan.actions.push({ type: 'createSandbox' })
  }

  /** One dead container per name is kept for `logs --previous`; a create without its start is half-done work. */
  #removeLeftovers(): void {
    const { containers, busy } = this.#view
    for (const container of containers) {
      if (busy.has(busyKeys.container(container.id))) continue
      const latest = latestOf(containers, container.containerName)
      const isOld = isDead(container) && latest !== undefined && container.attempt < latest.attempt - 1
      const isHalfDone = container.state === 'created' && !isDead(container) && !busy.has(busyKeys.start)
      if (isOld || isHalfDone) this.#plan.actions.push({ type: 'removeContainer', id: container.id })
    }
  }

  /** True when the app containers may run: all init containers have succeeded, all sidecars are started. */
  #planInit(): boolean {
    const { pod, containers } = this.#view
    const init = pod.spec.initContainers ?? []
    const isInitialized = pod.spec.containers.some(({ name }) => {
      const latest = latestOf(containers, name)
      return latest !== undefined && latest.sandboxId === this.#sandbox?.id
    })
    if (isInitialized) {
      for (const container of init.filter(isSidecar)) this.#planContainer(container, 'init')
      return true
    }
    for (const container of init) {
      const latest = latestOf(containers, container.name)
      const isHere = latest !== undefined && latest.sandboxId === this.#sandbox?.id
      if (isSidecar(container)) {
        this.#planContainer(container, 'init')
        const isUp =
          isHere && latest.state === 'running' && this.#view.probes.get(latest.id)?.started === true
        if (!isUp) return false
      } else if (!(isHere && isDead(latest) && latest.exitCode === 0)) {
        this.#planContainer(container, 'init')
        return false
      }
    }
    return true
  }

  #planContainer(container: Container, kind: 'init' | 'app'): void {
    const { containers, probes, pod } = this.#view
    const latest = latestOf(containers, container.name)
    if (latest?.state === 'running') {
      const failed = probes.get(latest.id)?.failed
      if (latest.sandboxId !== this.#sandbox?.id) return
      if (failed) this.#kill(latest, failed)
      else if (latest.specHash !== specHash(container)) this.#kill(latest, 'definition')
      return
    }
    if (latest && !isDead(latest)) return
    const exitCode = lastExitCode(this.#view, container.name)
    const isHere = latest !== undefined && latest.sandboxId === this.#sandbox?.id
    // In a new sandbox init containers run again, whatever they ended with in the old one.
    const counts = kind === 'app' || isHere
    if (exitCode !== undefined && counts && !shouldRestart(pod, container, exitCode)) return
    const backoff = latest && isHere ? crashBackoff(latest, this.#view.timing) : undefined
    if (backoff && backoff.restartAt > this.#view.now) {
      this.#plan.waiting.set(container.name, {
        reason: 'CrashLoopBackOff',
        message: crashMessage(this.#view, container.name, backoff.delayMs)
      })
      this.#wakeAt(backoff.restartAt)
      return
    }
    this.#start(container, kind, backoff?.nextMs ?? 0)
  }

  #start(container: Container, kind: 'init' | 'app', backoffMs: number): void {
    const { imagesReady, busy, areVolumesReady } = this.#view
    if (this.#mustWait(container.name)) return
    if (!imagesReady.has(container.name)) {
      if (!busy.has(busyKeys.image(container.name)))
        this.#plan.actions.push({ type: 'ensureImage', container: container.name })
      return
    }
    if (!this.#sandbox || busy.has(busyKeys.sandbox) || !areVolumesReady || this.#isStartPlanned) return
    // One after the other, as upstream: a container's postStart hook holds back those after it.
    this.#isStartPlanned = true
    const attempt = nextAttempt(this.#view, container.name)
    this.#plan.actions.push({ type: 'startContainer', container: container.name, kind, attempt, backoffMs })
  }

  #kill(container: ContainerState, reason: KillReason): void {
    if (this.#view.busy.has(busyKeys.container(container.id))) return
    const { spec } = this.#view.pod
    const declared = [...spec.containers, ...(spec.initContainers ?? [])].find(
      ({ name }) => name === container.containerName
    )
    const probe =
      reason === 'liveness'
        ? declared?.livenessProbe
        : reason === 'startup'
          ? declared?.startupProbe
          : undefined
    const graceSeconds = probe?.terminationGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30
    this.#plan.actions.push({
      type: 'killContainer',
      id: container.id,
      container: container.containerName,
      reason,
      graceSeconds: Math.max(graceSeconds, 1)
    })
  }

  #mustWait(key: string): boolean {
    const failure = this.#view.failures.get(key)
    if (!failure || failure.retryAt <= this.#view.now) return false
    this.#wakeAt(failure.retryAt)
    return true
  }

  #wakeAt(at: Date): void {
    if (!this.#plan.wakeAt || at < this.#plan.wakeAt) this.#plan.wakeAt = at
  }
}

function crashMessage({ pod }: PodView, name: string, delayMs: number): string {
  const delay = goDuration(delayMs)
  const { namespace = '', uid } = pod.metadata
  return `back-off ${delay} restarting failed container=${name} pod=${pod.metadata.name}_${namespace}(${uid})`
}

/** Go's time.Duration text, for whole seconds: 10s, 1m20s, 5m0s. */
function goDuration(ms: number): string {
  const seconds = ms / 1000
  return seconds < 60 ? `${String(seconds)}s` : `${String(Math.floor(seconds / 60))}m${String(seconds % 60)}s`
}
