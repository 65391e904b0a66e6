/**
 * How the write lock of a shared file is waited for: never inside SQLite, whose busy timeout blocks the event
 * loop and favours whoever has the lock already, but by trying again between other events.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { systemClock } from '../../core/clock.ts'
import { BackendError } from '../../core/errors.ts'
import { isBusy } from './failure.ts'

export interface Patience {
  /** After so many ms without the lock, give up. */
  readonly giveUpMs: number
  /** What to say then. */
  readonly complaint: () => string
}

/** Work that came while others waited may run for so long before other events have their turn. */
const SLICE_MS = 8
/** A busy worker leaves gaps of some 20 us between its transactions: a burst of tries, one an event, meets one. */
const BURST_MS = 1
const LONGEST_SLEEP_MS = 20

/** Does it until the database is not busy. `attempt` must have changed nothing when it throws that it is. */
export async function retryWhileBusy<T>(attempt: () => T, patience: Patience): Promise<T> {
  const begin = systemClock.monotonic()
  let burst = performance.now()
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error)) throw error
      const waited = systemClock.monotonic() - begin
      if (waited >= patience.giveUpMs) {
        throw new BackendError('BACKEND_UNAVAILABLE', patience.complaint(), { cause: error })
      }
      if (performance.now() - burst < BURST_MS) {
        await setImmediate()
      } else {
        // Longer for those that have waited longer: their lock is held by something slow.
        await setTimeout(1 + Math.random() * Math.min(LONGEST_SLEEP_MS, 2 + waited / 10))
        burst = performance.now()
      }
    }
  }
}

interface Waiting {
  readonly attempt: () => void
  readonly fail: (error: unknown) => void
}

/** The writers of this process, one after the other, in the order in which they came. */
export class WriteTurns {
  readonly #patience: Patience
  readonly #waiting: Waiting[] = []
  #serving: Promise<void> | undefined

  constructor(patience: Patience) {
    this.#patience = patience
  }

  /** Runs `attempt` now when nobody is before it and the lock is free, else as soon as it can be. */
  run<T>(attempt: () => T): Promise<T> {
    if (this.#serving === undefined) {
      try {
        return Promise.resolve(attempt())
      } catch (error) {
        if (!isBusy(error)) return Promise.reject(error)
      }
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ attempt: () => resolve(attempt()), fail: reject })
      this.#serving ??= this.#serve()
    })
  }

  /** Resolves when nobody waits. */
  async idle(): Promise<void> {
    while (this.#serving !== undefined) await this.#serving
  }

  async #serve(): Promise<void> {
    let slice = performance.now()
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        await retryWhileBusy(next.attempt, this.#patience)
      } catch (error) {
        next.fail(error)
      }
      this.#waiting.shift()
      if (performance.now() - slice > SLICE_MS) {
        await setImmediate()
        slice = performance.now()
      }
    }
    this.#serving = undefined
  }
}
