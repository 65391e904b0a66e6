import type { WorkerStats } from './worker-stats.ts'

export interface StreamGroupEvents {
  /** Messages of a key were dropped, since there was no room; its worker is told of the gap. */
  dropped: { readonly slot: number; readonly partition: number; readonly key: string; readonly count: number }
  /** A slot takes no more at the moment; and again it does. */
  full: { readonly slot: number }
  drained: { readonly slot: number }
  /** The figures of a worker, every so often. */
  stats: { readonly slot: number; readonly stats: WorkerStats }
  /** A worker has taken the place of one that died. `gaps`: of so many partitions the keys are told of a gap. */
  recovered: { readonly slot: number; readonly error: Error; readonly gaps: number }
  /** A partition has another slot; messages of its keys were held back for so long. */
  moved: {
    readonly partition: number
    readonly from: number
    readonly to: number
    readonly pausedMs: number
  }
  /** A message was skipped, since worker after worker died of it. */
  poison: { readonly slot: number }
}
