import { WorkerExitError } from '../../core/errors.ts'
import { isAlive } from '../../worker/lifecycle.ts'
import type { SlotStatus } from '../../server/slot-status.ts'

/** One worker of a group at one moment. */
export interface TopicWorkerHealth {
  /** The number of its slot. */
  readonly id: number
  readonly name: string
  readonly pid: number | undefined
  readonly alive: boolean
  /** Of its last process; null while it lives, and when a signal ended it. */
  readonly exitCode: number | null
  /** Of one core; undefined before its first sign of life. */
  readonly cpuPercent: number | undefined
  readonly memoryMB: number | undefined
  /** When the present or last process began; undefined before the first. */
  readonly startedAt: Date | undefined
  /** `new`, `starting`, `running`, `stopping`, `stopped` or `failed`. */
  readonly status: SlotStatus['state']
  /** How often it was started again. */
  readonly restarts: number
  /** Messages that it has and has not handled. */
  readonly waiting: number
  readonly processed: number
  readonly failed: number
}

export interface GroupHealth {
  readonly total: number
  /** Those that are running. */
  readonly active: number
  readonly workers: readonly TopicWorkerHealth[]
}

/** @param errorOf what the last process of a slot failed with. */
export function groupHealth(
  slots: readonly SlotStatus[],
  errorOf: (slot: number) => Error | undefined,
): GroupHealth {
  const workers = slots.map((slot): TopicWorkerHealth => {
    const { id, name, pid, state, cpuPercent, memoryBytes, startedAt, restarts } = slot
    const alive = isAlive(state)
    return {
      ...{ id, name, pid: alive ? pid : undefined, alive },
      exitCode: exitCodeOf(state, errorOf(id)),
      cpuPercent,
      memoryMB: memoryBytes === undefined ? undefined : Math.round(memoryBytes / 1e5) / 10,
      startedAt: startedAt === undefined ? undefined : new Date(startedAt),
      ...{ status: state, restarts },
      ...{ waiting: slot.queueSize, processed: slot.processedCount, failed: slot.errorCount },
    }
  })
  const active = workers.filter(({ status }) => status === 'running').length
  return { total: workers.length, active, workers }
}

function exitCodeOf(state: SlotStatus['state'], error: Error | undefined): number | null {
  if (isAlive(state) || state === 'new') return null
  if (error instanceof WorkerExitError) return error.exitCode ?? null
  return error === undefined ? 0 : 1
}
