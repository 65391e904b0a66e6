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

/** In which part of the time between two steps the first comes after a rest, when others will do one as well. */
const LATER = 0.2
/** The same for whoever runs a job. Its lease counts from the claim, so it must not be left for long. */
const SOON = 0.05

/**
 * Runs the upkeep of the store from time to time, in bounded steps with room between them, while jobs wait or are
 * active. Without any it rests until it is stirred.
 */
export class Upkeep extends Service {
  readonly #options: UpkeepOptions
  #going = false
  /** Something happened since the last step began. */
  #stirred = false
  /** The last step found nothing. Stays so until the next begins. */
  #rests = false
  #nextAt = Infinity
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

  /** Something happened in the queue: there may be something to keep up. */
  stir(): void {
    this.#stir(LATER)
  }

  /** Jobs begin here. */
  begun(): void {
    this.#stir(SOON)
  }

  #stir(part: number): void {
    this.#stirred = true
    if (!this.#rests || !this.#going) return
    const inMs = this.#everyMs * (part + Math.random() * part)
    if (performance.now() + inMs < this.#nextAt) this.#next(inMs)
  }

  protected override async onStop(): Promise<void> {
    this.#going = false
    clearTimeout(this.#timer)
    // A store that does not answer any more is not waited for: what it does of the step is done, the rest is for others.
    await settledWithin(this.#underWay, LAST_STEP_MS)
  }

  get #everyMs(): number {
    return Math.min(EVERY_MS, this.#options.leaseMs / 3)
  }

  #next(inMs: number): void {
    clearTimeout(this.#timer)
    this.#nextAt = performance.now() + inMs
    this.#timer = setTimeout(() => {
      this.#underWay = this.#step()
    }, inMs)
  }

  async #step(): Promise<void> {
    const { queue, onReport, onError } = this.#options
    // Spread, so that many workers of one store do not come at once.
    let next = this.#everyMs * (0.75 + Math.random() / 2)
    let calm = false
    this.#rests = false
    this.#stirred = false
    try {
      const report = await queue.backend.maintain(this.#request())
      const [stats] = await queue.backend.stats(queue.name)
      onReport(this.#worthTelling(report), stats!)
      if (report.more) next = 0
      else calm = stats!.counts.waiting === 0 && stats!.counts.active === 0
    } catch (error) {
      onError(error)
    }
    if (!this.#going) return
    this.#rests = calm
    this.#nextAt = Infinity
    if (!calm) this.#next(next)
    else if (this.#stirred) this.#stir(LATER)
  }

  /** Others whose upkeep rested say which types they handle within the next time between two steps. */
  #worthTelling(report: MaintainReport): MaintainReport {
    const unhandled = report.unhandled.filter(({ forMs, dead }) => dead > 0 || forMs > this.#everyMs * 1.5)
    return { ...report, unhandled }
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
