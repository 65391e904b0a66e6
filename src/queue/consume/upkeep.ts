import { Service } from '../../core/service.ts'
import type { Backend, MaintainReport, MaintainRequest } from '../backend.ts'

export interface UpkeepOptions {
  readonly backend: Backend
  readonly everyMs: number
  readonly request: () => MaintainRequest
  readonly onReport: (report: MaintainReport) => Promise<void>
  readonly onError: (error: unknown) => void
}

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
    await this.#underWay
  }

  #next(inMs: number): void {
    this.#timer = setTimeout(() => {
      this.#underWay = this.#step()
    }, inMs)
  }

  async #step(): Promise<void> {
    const { backend, request, onReport, onError, everyMs } = this.#options
    // Spread, so that many workers of one store do not come at once.
    let next = everyMs * (0.75 + Math.random() / 2)
    try {
      const report = await backend.maintain(request())
      await onReport(report)
      if (report.more) next = 0
    } catch (error) {
      onError(error)
    }
    if (this.#going) this.#next(next)
  }
}
