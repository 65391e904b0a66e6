import { FixedThreadPool } from 'poolifier'
import { WORKERS, type OpenPool } from '../../loads/pool/task-pool.ts'
import { pathOf } from '../../places.ts'

export interface PoolifierSettings {
  /** Tasks wait here, so many of them sent to a worker at once. Default: all are sent at once. */
  readonly perWorker?: number
  readonly strategy?: 'LEAST_USED' | 'ROUND_ROBIN'
}

const file = pathOf(new URL('poolifier-tasks.mjs', import.meta.url))

export function poolifier({ perWorker, strategy = 'ROUND_ROBIN' }: PoolifierSettings): OpenPool {
  return (task) => {
    const pool = new FixedThreadPool(WORKERS, file, {
      enableEvents: false,
      workerChoiceStrategy: strategy,
      ...(perWorker === undefined
        ? {}
        : { enableTasksQueue: true, tasksQueueOptions: { concurrency: perWorker, size: 1_000_000 } }),
    })
    return {
      run: (n) => pool.execute(n, task),
      // There is no way to let a result move: it is copied.
      move: (buffer) => pool.execute(buffer, task, undefined, [buffer]),
      // Not waited for: in one of some runs it never resolves. The process ends with its threads anyway.
      close: async () => void pool.destroy().catch(() => {}),
    }
  }
}
