/** A figure that was taken several times. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @throws RangeError when there are no values, or one is not a number. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = ascending(values)
  return { median: median(values), min: sorted[0]!, max: sorted.at(-1)! }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that `percent` of all values do not exceed (nearest rank, nothing is interpolated). */
export function percentile(values: ArrayLike<number>, percent: number): number {
  const sorted = ascending(values)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
}

function ascending(values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new RangeError('expected at least one value, got: none')
  const sorted = Float64Array.from(values).sort()
  // Sorting puts NaN last.
  if (Number.isNaN(sorted.at(-1))) throw new RangeError('expected only numbers, got: NaN')
  return sorted
}
