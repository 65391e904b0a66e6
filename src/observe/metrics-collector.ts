import type { Clock } from '../core/clock.ts'
import type { Duration } from '../core/duration.ts'
import { StateError } from '../core/errors.ts'
import { checkOptions, duration, integer } from '../core/options.ts'
import { clockOption } from './clock-option.ts'
import { queueSizeOf, type Observable, type QueueSize } from './observable.ts'
import { Probe } from './probe.ts'
import { WorkerMeter, type WorkerMetrics } from './worker-metrics.ts'

export interface MetricsCollectorOptions {
  /** Job types of one worker with counts of their own; the rest is counted as `other`. Default: 100. */
  readonly maxTypes?: number
  /** How long a snapshot waits for a queue's size. Default: 5 s. */
  readonly queueSizeTimeout?: Duration
  /** Default: the system's. */
  readonly clock?: Clock
}

const rules = {
  maxTypes: integer({ min: 1, max: 10_000, default: 100 }),
  queueSizeTimeout: duration({ default: '5s', min: '1ms' }),
  clock: clockOption,
}

/**
 * Counts what workers do, in memory that does not grow:
 *
 *     const metrics = new MetricsCollector()
 *     const unwatch = metrics.watch(mailWorker)
 *     const [mail] = await metrics.snapshot()    // { name: 'mail', processed: 1200, errors: 3, ... }
 */
export class MetricsCollector {
  readonly #options: ReturnType<typeof checkOptions<typeof rules>>
  readonly #watched = new Map<string, { meter: WorkerMeter; queueSize: Probe<number> | undefined }>()

  /** @throws InvalidOptionError */
  constructor(options: MetricsCollectorOptions = {}) {
    this.#options = checkOptions('MetricsCollector', rules, options)
  }

  /**
   * Counts from now on; the returned function ends it and forgets the worker's numbers.
   * @param options.queueSize default: the worker's own `queueSize`.
   * @throws StateError when a worker of this id is watched already: it would be counted twice.
   */
  watch(worker: Observable, options: { readonly queueSize?: QueueSize } = {}): () => void {
    if (this.#watched.has(worker.id)) {
      throw new StateError(
        `expected worker ${worker.name} (${worker.id}) to be watched once; it is watched already`,
      )
    }
    const queueSize = queueSizeOf(worker, options.queueSize)
    const watched = {
      meter: new WorkerMeter(worker, this.#options.clock, this.#options.maxTypes),
      queueSize: queueSize && new Probe(queueSize, this.#options.queueSizeTimeout),
    }
    this.#watched.set(worker.id, watched)
    return () => {
      watched.meter.end()
      if (this.#watched.get(worker.id) === watched) this.#watched.delete(worker.id)
    }
  }

  /** The numbers of all watched workers, in the order of `watch`. Never rejects: an unknown queue size is null. */
  snapshot(): Promise<WorkerMetrics[]> {
    const all = [...this.#watched.values()].map(async ({ meter, queueSize }) => {
      const answer = await queueSize?.answer()
      return meter.snapshot(answer?.ok ? answer.value : null)
    })
    return Promise.all(all)
  }
}
