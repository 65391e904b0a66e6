import type { Usage } from '../../core/telemetry.ts'
import type { Work } from './protocol.ts'

const NO_WORK: Work = { queueSize: 0, processedCount: 0, errorCount: 0 }

/** What a worker has done in all its lives, and what the present one uses, as of its last sign of life. */
export class Tally {
  #before = NO_WORK
  #work = NO_WORK
  #usage: Usage | undefined

  get usage(): Usage | undefined {
    return this.#usage
  }

  /** Of all lives; what waits is of the present one. */
  get totals(): Work {
    return {
      queueSize: this.#work.queueSize,
      processedCount: this.#before.processedCount + this.#work.processedCount,
      errorCount: this.#before.errorCount + this.#work.errorCount,
    }
  }

  /** Another life, which counts from zero. */
  begin(): void {
    this.#before = this.totals
    this.#work = NO_WORK
    this.#usage = undefined
  }

  note(work: Work, usage: Usage | undefined): void {
    this.#work = work
    this.#usage = usage
  }

  /** A life is over: it uses nothing any more. */
  end(): void {
    this.#usage = undefined
  }
}
