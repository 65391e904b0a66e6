import type { Usage } from '../core/telemetry.ts'
import type { Restart, WorkerState } from './lifecycle.ts'

/** Where the code of a worker runs: this event loop, a thread of this process, a process of its own. */
export type Placement = 'inline' | 'thread' | 'process'

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
  readonly placement: Placement
  /** Of the process that it runs in; undefined for a process that is not running. */
  readonly pid: number | undefined
  /** Of its thread, while it runs in one of its own. */
  readonly threadId: number | undefined
  /** How often its supervisor started it again. */
  readonly restarts: number
  /** Why it was started again, the last time. */
  readonly lastCause: Error | undefined
  /** What it uses, as of its last sign of life; undefined for an inline worker, which shares everything. */
  readonly usage: Usage | undefined
}

type Live = Pick<
  WorkerStatus,
  'name' | 'id' | 'state' | 'isRunning' | 'queueSize' | 'processedCount' | 'errorCount'
>

/** The row of a worker that runs on this event loop and shares all that this process uses. */
export function inlineStatus(
  worker: Live,
  startedAt: number | undefined,
  restart: Restart | undefined,
): WorkerStatus {
  const { name, id, state, isRunning, queueSize, processedCount, errorCount } = worker
  return {
    ...{ name, id, state, isRunning, queueSize, processedCount, errorCount, startedAt },
    ...{ placement: 'inline', pid: process.pid, threadId: undefined, usage: undefined },
    ...{ restarts: restart?.restarts ?? 0, lastCause: restart?.cause },
  }
}
