import type { Probe } from '../../api/types.js'
import type { Clock } from '../../base/clock.js'
import type { ProbeResult } from './probe-result.js'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

export interface ProbeWorkerOptions {
  kind: ProbeKind
  probe: Probe
  startedAt: Date
  clock: Clock
  run: () => Promise<ProbeResult>
  /** The verdict that thresholds give has changed. */
  onVerdict: (isHealthy: boolean) => void
  /** A probe that counts did not succeed. */
  onFailure: (result: ProbeResult) => void
}

const firstQuickDelayMs = 50

/**
 * Runs one probe of one container periodically and counts to its thresholds (kubelet prober.worker). One addition to
 * upstream: in its first period a startup or readiness probe is tried early, with growing pauses, until it succeeds;
 * failures of these tries count for nothing. So a container that is up after 80 ms is ready after 100, not after 10 s.
 */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions
  #cancel: () => void = () => {}
  #isStopped = false
  #successes = 0
  #failures = 0
  #quickDelayMs: number | undefined
  #verdict: boolean | undefined

  constructor(options: ProbeWorkerOptions) {
    this.#options = options
    if (options.kind !== 'liveness' && (options.probe.successThreshold ?? 1) === 1)
      this.#quickDelayMs = firstQuickDelayMs
    const sinceStart = options.clock.now().getTime() - options.startedAt.getTime()
    const initialMs = (options.probe.initialDelaySeconds ?? 0) * 1000
    this.#schedule(Math.max(0, initialMs - sinceStart))
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => {
      void this.#tick()
    })
  }

  async #tick(): Promise<void> {
    const startedMs = this.#options.clock.now().getTime()
    const result = await this.#options.run()
    if (this.#isStopped) return
    const periodMs = (this.#options.probe.periodSeconds ?? 10) * 1000
    const quickDelayMs = this.#quickDelayMs
    if (quickDelayMs !== undefined && result.result !== 'success' && quickDelayMs < periodMs) {
      this.#quickDelayMs = quickDelayMs * 2
      this.#schedule(quickDelayMs)
      return
    }
    this.#quickDelayMs = undefined
    const tookMs = this.#options.clock.now().getTime() - startedMs
    this.#schedule(Math.max(0, periodMs - tookMs))
    this.#count(result)
  }

  #count(result: ProbeResult): void {
    const { probe, onFailure } = this.#options
    if (result.result === 'success') {
      this.#failures = 0
      this.#successes++
      if (this.#successes >= (probe.successThreshold ?? 1)) this.#conclude(true)
      return
    }
    onFailure(result)
    if (result.result === 'unknown') return
    this.#successes = 0
    this.#failures++
    if (this.#failures >= (probe.failureThreshold ?? 3)) this.#conclude(false)
  }

  #conclude(isHealthy: boolean): void {
    const { kind, onVerdict } = this.#options
    // Startup is over with its success; a container that has to be restarted is left alone.
    if ((kind === 'startup' && isHealthy) || (kind !== 'readiness' && !isHealthy)) this.stop()
    if (this.#verdict === isHealthy) return
    this.#verdict = isHealthy
    onVerdict(isHealthy)
  }
}
