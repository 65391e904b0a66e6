import { systemClock } from '../../core/clock.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { Backend, HeldClaim } from '../backend.ts'
import { RenewalTimes } from './renewal-times.ts'

/** What one renewal found. */
export interface Renewal {
  /** When it was begun, on the machine's monotonic clock, which all its threads share. */
  readonly startedAt: number
  readonly held: readonly HeldClaim[]
}

export interface RenewalTask {
  readonly owner: string
  readonly leaseMs: number
  readonly onRenewal: (renewal: Renewal) => void
  readonly onError: (error: unknown) => void
}

/** Renews all leases of an owner, three times in the length of one. */
export interface Renewer {
  start(): void
  stop(): Promise<void>
  readonly times: RenewalTimes
}

/** Three chances before a lease ends. */
export function renewEveryMs(leaseMs: number): number {
  return leaseMs / 3
}

/** A renewal that is under way has so long to end. */
const LAST_RENEWAL_MS = 1_000

/** Renews on this event loop, for stores that live in this process alone. */
export class LoopRenewer implements Renewer {
  readonly #backend: Backend
  readonly #task: RenewalTask
  readonly times: RenewalTimes
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()

  constructor(backend: Backend, task: RenewalTask) {
    this.#backend = backend
    this.#task = task
    this.times = new RenewalTimes(task.leaseMs)
  }

  /** @param from those of another renewer, whose work this one goes on with. */
  start(from?: RenewalTimes): void {
    this.times.begin(from)
    this.#timer = setInterval(() => {
      this.#underWay = this.#renew()
    }, renewEveryMs(this.#task.leaseMs))
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    // Nothing is held any more, so nothing is lost when the store does not answer.
    await settledWithin(this.#underWay, LAST_RENEWAL_MS)
  }

  async #renew(): Promise<void> {
    const startedAt = systemClock.monotonic()
    try {
      const held = await this.#backend.renew(this.#task.owner, this.#task.leaseMs)
      this.times.renewed(startedAt, systemClock.monotonic())
      this.#task.onRenewal({ startedAt, held })
    } catch (error) {
      this.#task.onError(error)
    }
  }
}
