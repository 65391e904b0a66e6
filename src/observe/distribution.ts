import { builtin } from '../core/builtin.ts'

/** How long things took, in ms. All 0 when there was none. Percentiles and max are exact to 1 %. */
export interface Distribution {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** 2 ** 42 microseconds, about 50 days: longer ones count as that. */
const LONGEST_US = 2 ** 42

/** Collects durations in a fixed amount of memory: an HDR histogram of microseconds with two figures. */
export class DurationHistogram {
  readonly #histogram = builtin.perfHooks.createHistogram({ lowest: 1, highest: LONGEST_US, figures: 2 })

  /** @param ms what is no positive number, after a jump of the clock for instance, counts as the shortest. */
  record(ms: number): void {
    // The histogram throws for anything but integers of at least 1.
    this.#histogram.record(Math.min(LONGEST_US, Math.max(1, Math.round(ms * 1000) || 1)))
  }

  snapshot(): Distribution {
    const histogram = this.#histogram
    const { count } = histogram
    if (count === 0) return { count, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 }
    return {
      count,
      meanMs: toMs(histogram.mean),
      p50Ms: toMs(histogram.percentile(50)),
      p95Ms: toMs(histogram.percentile(95)),
      p99Ms: toMs(histogram.percentile(99)),
      maxMs: toMs(histogram.max),
    }
  }
}

function toMs(us: number): number {
  return Math.round(us) / 1000
}
