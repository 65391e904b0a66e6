import { Crowd, type Member } from '../core/crowd.ts'
import type { Backend } from './backend.ts'

/** A store that has not answered for so long is given new connections. */
const PATIENCE_MS = 5_000
/** No longer, however slow its answers and however often it was in vain. */
const MOST_PATIENCE_MS = 60_000
/** While there are calls, a look is taken so often. */
const LOOK_MS = 1_000
/** A look that comes later than that says more of this event loop than of the store. */
const LATE_MS = 250

interface Call extends Member {
  /** From when on it is waited for: later by what this event loop was blocked meanwhile, since it could not hear. */
  begun: number
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
  /** When the next look is to be, as long as it looks. */
  #dueAt = 0

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
    const one = { place: -1, begun: performance.now() + workMs }
    this.#calls.add(one)
    // One timer for all calls; it looks again as long as there are any.
    if (!this.#looks) this.#lookIn(this.#patienceMs)
    try {
      const answer = await call()
      const now = performance.now()
      const tookMs = now - one.begun - this.#blockedMs(now)
      this.#patienceMs = Math.min(Math.max(PATIENCE_MS, tookMs * 2), MOST_PATIENCE_MS)
      return answer
    } finally {
      this.#calls.delete(one)
    }
  }

  /** For how long this event loop has been blocked when the look that is due has not been. */
  #blockedMs(now: number): number {
    const lateMs = this.#looks ? now - this.#dueAt : 0
    return lateMs > LATE_MS ? lateMs : 0
  }

  #lookIn(ms: number): void {
    const inMs = Math.min(ms, LOOK_MS)
    this.#dueAt = performance.now() + inMs
    this.#looks = true
    setTimeout(() => {
      const now = performance.now()
      // The loop was blocked, or the process stopped: the answer may be there and not read yet.
      const blockedMs = this.#blockedMs(now)
      this.#looks = false
      if (this.#calls.size === 0) return
      // One that was made after that has waited for nothing, and is not to be waited for later.
      for (const call of this.#calls) call.begun = Math.max(call.begun, Math.min(call.begun + blockedMs, now))
      const waitedMs = now - [...this.#calls].reduce((first, { begun }) => Math.min(first, begun), now)
      const leftMs = this.#patienceMs - waitedMs
      if (blockedMs > 0 || leftMs > 1) {
        this.#lookIn(blockedMs > 0 ? Math.max(leftMs, LATE_MS) : leftMs)
        return
      }
      this.#patienceMs = Math.min(this.#patienceMs * 2, MOST_PATIENCE_MS)
      this.#lookIn(this.#patienceMs)
      this.#onSilence(waitedMs)
      this.#backend.reconnect!()
    }, inMs).unref()
  }
}
