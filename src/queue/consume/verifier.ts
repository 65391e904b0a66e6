import { MillhandError } from '../../core/errors.ts'
import type { Backend, Outcome } from '../backend.ts'
import type { QueueSettings } from '../queue-options.ts'
import type { Attempt } from './attempt.ts'
import { Exchange } from './exchange.ts'
import { failed } from './outcome.ts'
import type { Settler } from './settler.ts'

export interface VerifierHost {
  readonly settler: Settler
  /** An attempt has ended with this outcome, and the store knows it, or the settler. */
  verified(attempt: Attempt, outcome: Outcome, error: Error | undefined): void
}

interface Case {
  readonly attempt: Attempt
  /** What becomes of the job if the transaction was not committed. */
  readonly outcome: Outcome
  readonly error: Error | undefined
}

/**
 * Finds out whether the transactions were committed in which handlers completed their jobs. Each attempt is settled as
 * one that was not: when the store finds its token stale, it was, and the job is done.
 *
 * These settles go apart from all others, for one may have to wait for a transaction that is still open.
 */
export class Verifier {
  readonly #host: VerifierHost
  readonly #settings: QueueSettings
  readonly #exchange: Exchange
  readonly #open = new Set<Case>()
  readonly #giveUp = new AbortController()
  #collected: Case[] = []

  constructor(backend: Backend, settings: QueueSettings, host: VerifierHost) {
    this.#host = host
    this.#settings = settings
    // That a transaction is waited for says nothing of the store.
    this.#exchange = new Exchange(backend)
  }

  /** Takes over an attempt whose handler has ended; those of one turn of the event loop go together. */
  verify(attempt: Attempt, outcome: Outcome, error: Error | undefined): void {
    const each = outcome.kind === 'done' ? this.#uncommitted(attempt) : { attempt, outcome, error }
    this.#open.add(each)
    if (this.#collected.push(each) === 1) setImmediate(() => void this.#ask())
  }

  /** Stops waiting for answers; what is open is settled with everything else. */
  giveUp(): void {
    this.#giveUp.abort()
    for (const each of this.#open) this.#settleLater(each)
  }

  async #ask(): Promise<void> {
    const cases = this.#collected
    this.#collected = []
    if (this.#giveUp.signal.aborted) return
    try {
      const settlements = cases.map(({ attempt: { ref }, outcome }) => ({ ref, outcome }))
      const { settled } = await this.#exchange.trip(settlements, undefined, this.#giveUp.signal)
      for (const [index, each] of cases.entries()) {
        if (!this.#open.delete(each)) continue
        if (settled[index]!.status === 'ok') this.#host.verified(each.attempt, each.outcome, each.error)
        else this.#committed(each)
      }
    } catch {
      // It fails for good. So will the next trip, which says so aloud.
      for (const each of cases) if (this.#open.has(each)) this.#settleLater(each)
    }
  }

  #settleLater(each: Case): void {
    this.#open.delete(each)
    this.#host.settler.add(each.attempt, each.outcome)
    this.#host.verified(each.attempt, each.outcome, each.error)
  }

  #committed({ attempt, error }: Case): void {
    if (error !== undefined && !(error instanceof UncommittedError)) {
      attempt.logger.warn({ err: error }, 'a handler failed after the transaction that completes its job')
    }
    this.#host.verified(attempt, { kind: 'done', result: null, keepMs: null }, undefined)
  }

  #uncommitted(attempt: Attempt): Case {
    const error = new UncommittedError(attempt.claimed.id)
    return { attempt, outcome: failed(error, attempt.claimed, this.#settings), error }
  }
}

/** The handler said that it was done, and did not commit. */
class UncommittedError extends MillhandError {
  constructor(id: string) {
    super(
      'INVALID_STATE',
      `the handler of job ${id} returned, but the transaction in which it completed the job was not committed`,
    )
  }
}
