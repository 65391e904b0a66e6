import type { Placement, WorkerStatus } from '../worker/status.ts'
import type { WorkerState } from '../worker/lifecycle.ts'

/** One slot of a group at one moment. */
export interface SlotStatus {
  /** The number of the slot: it stays while workers come and go. */
  readonly id: number
  readonly name: string
  readonly state: WorkerState
  readonly placement: Placement
  readonly pid: number | undefined
  readonly threadId: number | undefined
  readonly restarts: number
  readonly lastCause: Error | undefined
  /** Of one core; undefined for inline workers and before the first sign of life. */
  readonly cpuPercent: number | undefined
  readonly memoryBytes: number | undefined
  /** How busy its event loop is, 0 to 1. */
  readonly utilization: number | undefined
  /** ms since the epoch. */
  readonly startedAt: number | undefined
  readonly queueSize: number
  readonly processedCount: number
  readonly errorCount: number
}

export function slotStatus(id: number, status: WorkerStatus): SlotStatus {
  const { name, state, placement, pid, threadId, restarts, lastCause, usage, startedAt } = status
  const { queueSize, processedCount, errorCount } = status
  return {
    ...{ id, name, state, placement, pid, threadId, restarts, lastCause },
    cpuPercent: usage?.cpuPercent,
    memoryBytes: usage?.memoryBytes,
    utilization: usage?.utilization,
    ...{ startedAt, queueSize, processedCount, errorCount },
  }
}
