import type { WorkerState } from '../worker/lifecycle.ts'
import type { GroupSlot } from './group-slot.ts'
import type { RouterStats } from './router-stats.ts'
import type { WorkerStats } from './worker-stats.ts'

/** One worker of a group at one moment. */
export interface StreamSlotStats {
  readonly slot: number
  readonly name: string
  readonly state: WorkerState
  /** It reads messages. */
  readonly isAlive: boolean
  readonly restarts: number
  /** Messages that wait for it or that it has in hand. */
  readonly depth: number
  /** Of its present life; undefined before it told any. */
  readonly stats: WorkerStats | undefined
}

/** A group at one moment. */
export interface StreamGroupStats {
  readonly workers: readonly StreamSlotStats[]
  readonly router: RouterStats
}

export function groupStats(slots: readonly GroupSlot[], router: RouterStats): StreamGroupStats {
  const workers = slots.map(({ id, handle, isLive, link, stats }) => {
    const { name, state, restarts } = handle.status()
    return { slot: id, name, state, isAlive: isLive, restarts, depth: link.depth, stats }
  })
  return { workers, router }
}
