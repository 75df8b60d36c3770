import type { ProgressEvent } from '../base/control.js'
import type { Output } from './io.js'

/** Shows steps: in place on a terminal, where a finished one gets a tick; elsewhere a line for each that is done. */
export class Progress {
  readonly #out: Output
  #current: string | undefined

  constructor(out: Output) {
    this.#out = out
  }

  show({ step, state }: Pick<ProgressEvent, 'step' | 'state'>): void {
    const mark = { started: '·', done: '✓', failed: '✗' }[state]
    if (this.#out.isTTY) {
      this.clear()
      this.#out.write(` ${mark} ${step}`)
      if (state === 'started') this.#current = step
      else this.#out.write('\n')
    } else if (state !== 'started') {
      this.#out.write(` ${mark} ${step}\n`)
    }
  }

  /** Takes away the step that is shown as under way. */
  clear(): void {
    if (this.#current !== undefined) this.#out.write('\r\x1b[2K')
    this.#current = undefined
  }
}
