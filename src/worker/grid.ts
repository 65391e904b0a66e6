/** The next point of a fixed grid, and how many were passed over to get there. */
export interface GridPoint {
  /** Its number; the first point is 0. */
  readonly index: number
  /** Points between the last one and it that are over. */
  readonly missed: number
  /** When it is due: the origin plus `index` whole intervals, so that no error ever adds up. */
  readonly dueMs: number
}

/** The first point after point `index` that is not over yet at `nowMs`. */
export function nextPoint(originMs: number, intervalMs: number, index: number, nowMs: number): GridPoint {
  const next = Math.max(index + 1, Math.ceil((nowMs - originMs) / intervalMs))
  return { index: next, missed: next - index - 1, dueMs: originMs + next * intervalMs }
}
