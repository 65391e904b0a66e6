import { Service } from '../../core/service.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { MaintainReport, MaintainRequest, QueueStats } from '../backend.ts'
import type { AnyQueue } from '../any-queue.ts'

export interface UpkeepOptions {
  readonly queue: AnyQueue
  readonly leaseMs: number
  /** The types that the worker handles now. */
  readonly types: () => readonly string[]
  readonly onReport: (report: MaintainReport, stats: QueueStats) => void
  readonly onError: (error: unknown) => void
}

/** At most; more than once a lease in any case, as the contract asks. */
const EVERY_MS = 5_000
/** How many jobs one step may touch. */
const STEP = 500
/** The last step has so long to end. */
const LAST_STEP_MS = 1_000

/** Runs the upkeep of the store from time to time, in bounded steps with room between them. */
export class Upkeep extends Service {
  readonly #options: UpkeepOptions
  #going = false
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()

  constructor(options: UpkeepOptions) {
    super()
    this.#options = options
  }

  /** The first step is begun at once: a life as short as a drain's must not leave the store without upkeep. */
  protected override onStart(): void {
    this.#going = true
    this.#underWay = this.#step()
  }

  protected override async onStop(): Promise<void> {
    this.#going = false
    clearTimeout(this.#timer)
    // A store that does not answer any more is not waited for: what it does of the step is done, the rest is for others.
    await settledWithin(this.#underWay, LAST_STEP_MS)
  }

  #next(inMs: number): void {
    this.#timer = setTimeout(() => {
      this.#underWay = this.#step()
    }, inMs)
  }

  async #step(): Promise<void> {
    const { queue, leaseMs, onReport, onError } = this.#options
    // Spread, so that many workers of one store do not come at once.
    let next = Math.min(EVERY_MS, leaseMs / 3) * (0.75 + Math.random() / 2)
    try {
      const report = await queue.backend.maintain(this.#request())
      const [stats] = await queue.backend.stats(queue.name)
      onReport(report, stats!)
      if (report.more) next = 0
    } catch (error) {
      onError(error)
    }
    if (this.#going) this.#next(next)
  }

  #request(): MaintainRequest {
    const { queue, leaseMs, types } = this.#options
    const { maxCrashes, retention, unknownGrace } = queue.settings
    return {
      queue: queue.name,
      leaseMs,
      types: types(),
      unhandledGraceMs: unknownGrace,
      maxCrashes,
      keepDeadMs: retention.dead,
      limit: STEP,
    }
  }
}
