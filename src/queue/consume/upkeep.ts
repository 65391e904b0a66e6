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
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()

  constructor(options: UpkeepOptions) {
    super()
    this.#options = options
  }

  protected override onStart(): void {
    this.#next(0)
  }

  protected override async onStop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#underWay
    clearTimeout(this.#timer)
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
    if (this.running) this.#next(next)
  }
}
