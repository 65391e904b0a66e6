import { Crowd, type Member } from '../core/crowd.ts'
import type { Backend } from './backend.ts'

/** A store that has not answered for so long is given new connections. */
const PATIENCE_MS = 5_000
/** No longer, however slow its answers and however often it was in vain. */
const MOST_PATIENCE_MS = 60_000
/** A look that comes later than that says more of this event loop than of the store. */
const LATE_MS = 250

interface Call extends Member {
  /** From when on it is waited for. */
  readonly begun: number
}

/**
 * Watches the calls to a store that is reached through a network. A connection can die without a word: whoever waits for
 * an answer on it waits for ever. So when the oldest call has waited for too long, the store is told to replace its
 * connections, and the calls reject retryably.
 *
 * A store that is merely slow must not be cut off over and over: patience doubles with each replacement that helped
 * nobody, and is never shorter than twice the time of the last answer.
 */
export class SilenceWatch {
  readonly #backend: Pick<Backend, 'reconnect'>
  readonly #onSilence: (forMs: number) => void
  /** Those that are under way. */
  readonly #calls = new Crowd<Call>()
  #patienceMs = PATIENCE_MS
  #looks = false

  /** @param onSilence hears of each replacement, before it. */
  constructor(backend: Pick<Backend, 'reconnect'>, onSilence: (forMs: number) => void) {
    this.#backend = backend
    this.#onSilence = onSilence
  }

  /**
   * Makes a call, and watches it until it has an answer.
   * @param workMs how long the store may work on it before it is waited for.
   */
  async over<T>(call: () => Promise<T>, workMs: number = 0): Promise<T> {
    if (this.#backend.reconnect === undefined) return call()
    const begun = performance.now() + workMs
    const one = { place: -1, begun }
    this.#calls.add(one)
    // One timer for all calls; it looks again as long as there are any.
    if (!this.#looks) this.#lookIn(this.#patienceMs)
    try {
      const answer = await call()
      const tookMs = performance.now() - begun
      this.#patienceMs = Math.min(Math.max(PATIENCE_MS, tookMs * 2), MOST_PATIENCE_MS)
      return answer
    } finally {
      this.#calls.delete(one)
    }
  }

  #lookIn(ms: number): void {
    const dueAt = performance.now() + ms
    this.#looks = true
    setTimeout(() => {
      this.#looks = false
      const now = performance.now()
      if (this.#calls.size === 0) return
      const waitedMs = now - [...this.#calls].reduce((first, { begun }) => Math.min(first, begun), now)
      if (now - dueAt > LATE_MS) {
        // The loop was blocked, or the process stopped: the answer may be there and not read yet.
        this.#lookIn(this.#patienceMs)
      } else if (waitedMs < this.#patienceMs - 1) {
        this.#lookIn(this.#patienceMs - waitedMs)
      } else {
        this.#patienceMs = Math.min(this.#patienceMs * 2, MOST_PATIENCE_MS)
        this.#lookIn(this.#patienceMs)
        this.#onSilence(waitedMs)
        this.#backend.reconnect!()
      }
    }, ms).unref()
  }
}
