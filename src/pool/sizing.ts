/** What a pool knows when it thinks about its size. */
export interface SizeView {
  /** Workers that work or are starting. */
  readonly workers: number
  readonly starting: number
  readonly waiting: number
  /** How long the first waiting task has waited, ms. */
  readonly oldestWaitMs: number
  /** How long each worker that has nothing to do has been so, ms. */
  readonly idleMs: readonly number[]
}

export interface SizeRules {
  readonly min: number
  readonly max: number
  readonly growAfterMs: number
  readonly idleTimeoutMs: number
}

/**
 * By how many workers a pool should change: it grows when tasks wait although all are at work, one at a time, and
 * shrinks by those that have long had nothing to do.
 */
export function sizeChange(view: SizeView, rules: SizeRules): number {
  if (view.workers < rules.min) return rules.min - view.workers
  if (view.workers > rules.max) return rules.max - view.workers
  if (view.waiting > 0) {
    const isLate = view.oldestWaitMs >= rules.growAfterMs && view.starting === 0
    return isLate && view.workers < rules.max ? 1 : 0
  }
  const idle = view.idleMs.filter((ms) => ms >= rules.idleTimeoutMs).length
  return -Math.min(idle, view.workers - rules.min)
}
