import { systemClock } from '../../core/clock.ts'
import { backoffMs } from '../../core/backoff.ts'
import { BackendError, toError } from '../../core/errors.ts'
import { sleep } from '../../core/sleep.ts'
import type { Backend, ClaimRequest, ClaimResult, SettleResult, Settlement, StartResult } from '../backend.ts'
import type { JobRef } from '../job.ts'
import { SilenceWatch } from '../silence.ts'

/** What one trip brought. */
export interface Trip {
  readonly settled: readonly SettleResult[]
  readonly claimed: ClaimResult | undefined
  /** When the claim was asked for, monotonic. Its leases are counted from here. */
  readonly askedAt: number
  /** For how long the event loop could have done something else meanwhile, ms. */
  readonly waitMs: number
  /** It was tried more than once, so a stale answer may only mean that the first try had worked. */
  readonly repeated: boolean
}

/** What is heard of the store beside its answers. */
export interface ExchangeEvents {
  /** It cannot be used, or can again. */
  state(up: boolean, error: Error | undefined): void
  /** It has not answered for so long; its connections are replaced. */
  silent(forMs: number): void
}

const RETRY = { baseMs: 50, maxMs: 5_000, factor: 2, jitter: 'equal' } as const

/**
 * Trips to the store that survive its absence: the same settlements and the same claim, by the same token, are
 * tried again with back-off until the store answers. Nothing new is asked for before that.
 */
export class Exchange {
  readonly #backend: Backend
  readonly #events: ExchangeEvents | undefined
  readonly #silence: SilenceWatch | undefined
  #up = true

  /** @param events undefined when waiting is no sign of trouble: nothing is told, no connection replaced. */
  constructor(backend: Backend, events?: ExchangeEvents) {
    this.#backend = backend
    this.#events = events
    if (events !== undefined) this.#silence = new SilenceWatch(backend, (forMs) => events.silent(forMs))
  }

  /** Whether the store is a server: what was sent to it takes effect whatever becomes of this process. */
  get isRemote(): boolean {
    return this.#backend.capabilities.sharedBy === 'network'
  }

  /** False while the store cannot be used. */
  get isUp(): boolean {
    return this.#up
  }

  /**
   * Opens the store as soon as it is there. @returns false when `signal` aborted first.
   * @throws what waiting cannot cure, a wrong password say.
   */
  async open(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#untilAnswered(signal, () => this.#backend.open())
      return true
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }

  /**
   * Settles, and claims when a request is given.
   * @param signal gives up trying again.
   * @throws what the store threw when it is not worth a repetition, or when `signal` aborted.
   */
  trip(
    settlements: readonly Settlement[],
    request: ClaimRequest | undefined,
    signal: AbortSignal,
  ): Promise<Trip> {
    // Of the first try, which may have come through: its leases count from then.
    const askedAt = systemClock.monotonic()
    return this.#untilAnswered(signal, async (repeated) => {
      const sentAt = performance.now()
      // A store of this process answers before the loop comes round: then there was no time to do anything else.
      let cameRound = false
      const round = setImmediate(() => (cameRound = true))
      const { settled, claimed } = await this.#send(settlements, request)
      clearImmediate(round)
      return { settled, claimed, askedAt, waitMs: cameRound ? performance.now() - sentAt : 0, repeated }
    })
  }

  /** Records starts; see the contract. A repetition may answer as the first try did: a start that stands, stands. */
  start(refs: readonly JobRef[], signal: AbortSignal): Promise<StartResult[]> {
    return this.#untilAnswered(signal, () => this.#backend.start(refs))
  }

  async #untilAnswered<T>(signal: AbortSignal, attempt: (repeated: boolean) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        const answer = await (this.#silence === undefined
          ? attempt(tries > 0)
          : this.#silence.over(() => attempt(tries > 0)))
        this.#is(true, undefined)
        return answer
      } catch (thrown) {
        const error = toError(thrown)
        if (!(error instanceof BackendError && error.retryable) || signal.aborted) throw error
        this.#is(false, error)
      }
      await sleep(backoffMs(RETRY, tries), signal)
    }
  }

  async #send(
    settlements: readonly Settlement[],
    request: ClaimRequest | undefined,
  ): Promise<{ settled: readonly SettleResult[]; claimed: ClaimResult | undefined }> {
    if (request === undefined) return { settled: await this.#backend.settle(settlements), claimed: undefined }
    if (settlements.length === 0) return { settled: [], claimed: await this.#backend.claim(request) }
    return this.#backend.exchange(settlements, request)
  }

  #is(up: boolean, error: Error | undefined): void {
    if (this.#up === up) return
    this.#up = up
    this.#events?.state(up, error)
  }
}
