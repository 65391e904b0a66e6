import { InvalidOptionError } from '../../core/errors.ts'
import { checkOptions, duration, integer } from '../../core/options.ts'
import type { Duration } from '../../core/duration.ts'

export interface AdaptiveBatchOptions {
  /** The first size. Default 10. */
  readonly start?: number
  /** Never fewer. Default 5. */
  readonly min?: number
  /** Never more. Default 50. */
  readonly max?: number
  /** A mean time of a batch above this makes batches smaller. Default `'5s'`. */
  readonly slow?: Duration
  /** A mean time below this makes them larger. Default `'2s'`. */
  readonly fast?: Duration
  /** How many of the last batches the mean is of. Default 10. */
  readonly window?: number
}

const RULES = {
  start: integer({ min: 1, default: 10 }),
  min: integer({ min: 1, default: 5 }),
  max: integer({ min: 1, default: 50 }),
  slow: duration({ default: '5s' }),
  fast: duration({ default: '2s' }),
  window: integer({ min: 1, max: 50, default: 10 }),
}

/** So many timings are kept. */
const KEPT = 50

/** The size of the next batch: a fifth down after slow ones, a fifth up after fast ones, else the same. */
export function nextBatchSize(
  size: number,
  timingsMs: readonly number[],
  { min, max, slow, fast, window }: { min: number; max: number; slow: number; fast: number; window: number },
): number {
  const last = timingsMs.slice(-window)
  if (last.length === 0) return size
  const mean = last.reduce((sum, ms) => sum + ms, 0) / last.length
  if (mean > slow) return Math.max(min, Math.min(size - 1, Math.floor(size * 0.8)))
  if (mean < fast) return Math.min(max, Math.max(size + 1, Math.ceil(size * 1.2)))
  return size
}

/** A batch size that follows how long batches take. */
export class AdaptiveBatchSize {
  readonly #rules: Required<{ [K in keyof typeof RULES]: number }>
  #timings: number[] = []
  #size: number

  /** @throws InvalidOptionError naming the option. */
  constructor(options: AdaptiveBatchOptions = {}) {
    this.#rules = checkOptions('batchSize', RULES, options)
    const { min, max, slow, fast } = this.#rules
    if (min > max) throw new InvalidOptionError('min', `expected min to be at most max (${max}), got: ${min}`)
    if (fast > slow) {
      throw new InvalidOptionError('fast', `expected fast to be at most slow (${slow} ms), got: ${fast} ms`)
    }
    this.#size = Math.min(Math.max(this.#rules.start, this.#rules.min), this.#rules.max)
  }

  get size(): number {
    return this.#size
  }

  /** Times of the last batches, ms, the newest last; at most 50. */
  get timings(): readonly number[] {
    return this.#timings
  }

  /** Notes how long a batch took and sets the size of the next one. */
  took(ms: number): void {
    this.#timings = [...this.#timings, ms].slice(-KEPT)
    this.#size = nextBatchSize(this.#size, this.#timings, this.#rules)
  }
}
