import type { WorkerState } from './lifecycle.ts'

/** One worker at one moment: a row of the server's status. */
export interface WorkerStatus {
  readonly name: string
  readonly id: string
  readonly state: WorkerState
  readonly isRunning: boolean
  /** Work that waits for it, as far as it knows. */
  readonly queueSize: number
  /** Pieces of work done. Failures are counted in `errorCount` only. */
  readonly processedCount: number
  readonly errorCount: number
  /** When the present or last life began, ms since the epoch; undefined before the first. */
  readonly startedAt: number | undefined
}
