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
  /** True when several tasks share each event loop, and no loop has time left. */
  readonly isSaturated: boolean
}

export interface SizeRules {
  readonly min: number
  readonly max: number
  readonly growAfterMs: number
  readonly idleTimeoutMs: number
}

/**
 * By how many workers a pool should change: it grows when tasks wait although all are at work, or when all event
 * loops are busy, to its double at most at a time, and shrinks by those that have long had nothing to do.
 */
export function sizeChange(view: SizeView, rules: SizeRules): number {
  if (view.workers < rules.min) return rules.min - view.workers
  if (view.workers > rules.max) return rules.max - view.workers
  const isLate = view.waiting > 0 && view.oldestWaitMs >= rules.growAfterMs
  if ((isLate || view.isSaturated) && view.starting === 0 && view.workers < rules.max) {
    const wanted = Math.max(1, view.waiting)
    return Math.min(wanted, view.workers, rules.max - view.workers)
  }
  if (view.waiting > 0) return 0
  const idle = view.idleMs.filter((ms) => ms >= rules.idleTimeoutMs).length
  return idle === 0 ? 0 : Math.max(-idle, rules.min - view.workers)
}
