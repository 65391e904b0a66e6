import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { GroupView } from '../../server/scaling.ts'
import type { Load } from './scaling-rule.ts'

/** Says how many messages wait at the broker, which MQTT itself tells nobody: from $SYS, a metric, an API. */
export type DepthSource = () => number | Promise<number>

/** Turns what a group tells of its workers into its load: the depth with that of a source, and the rate. */
export class LoadMeter {
  readonly #source: DepthSource | undefined
  readonly #logger: Logger
  readonly #processed = new Map<number, number>()
  #at: number | undefined
  #atSource = 0
  #isAsking = false

  constructor(source: DepthSource | undefined, logger: Logger) {
    this.#source = source
    this.#logger = logger
  }

  /** Asks the source, so that its answer is there when the load is measured. Never rejects. */
  async ask(): Promise<void> {
    if (this.#source === undefined || this.#isAsking) return
    this.#isAsking = true
    try {
      const depth = await this.#source()
      if (!(depth >= 0)) throw new Error(`expected a number of messages, got: ${String(depth)}`)
      this.#atSource = depth
    } catch (thrown) {
      // An old figure would go on adding workers; none leaves it to our own windows.
      this.#atSource = 0
      this.#logger.warn(
        { err: toError(thrown) },
        'the source of the depth failed: only our own windows count',
      )
    } finally {
      this.#isAsking = false
    }
  }

  /** @param nowMs on a clock that does not jump. */
  measure({ queueSize, replicas, slots }: GroupView, nowMs: number): Load {
    let handled = 0
    for (const { id, processedCount } of slots) {
      // Less than before is another worker in that slot, which counts from zero.
      const before = this.#processed.get(id) ?? 0
      handled += processedCount < before ? processedCount : processedCount - before
    }
    this.#processed.clear()
    for (const { id, processedCount } of slots) this.#processed.set(id, processedCount)
    const seconds = this.#at === undefined ? 0 : (nowMs - this.#at) / 1000
    this.#at = nowMs
    return {
      depth: queueSize + this.#atSource,
      // Nothing is known of the time before the first look, and then nobody should be sent home.
      ratePerSecond: seconds > 0 ? handled / seconds : Infinity,
      workers: replicas,
    }
  }
}
