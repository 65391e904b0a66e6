import { Piscina } from 'piscina'
import { WORKERS, type OpenPool } from '../../loads/pool/task-pool.ts'
import { pathOf } from '../../places.ts'

export interface PiscinaSettings {
  /** How many tasks a worker is sent at once. */
  readonly perWorker: number
  /** How workers wait for messages: blocked, asynchronously, or by their event loop alone. */
  readonly atomics: 'sync' | 'async' | 'disabled'
}

const filename = pathOf(new URL('piscina-tasks.mjs', import.meta.url))

export function piscina({ perWorker, atomics }: PiscinaSettings): OpenPool {
  return (task) => {
    const pool = new Piscina({
      filename,
      name: task,
      minThreads: WORKERS,
      maxThreads: WORKERS,
      concurrentTasksPerWorker: perWorker,
      atomics,
      recordTiming: false,
    })
    return {
      run: (n) => pool.run(n),
      // Its types know of options only, where the list itself is taken.
      move: (buffer) => pool.run(buffer, { transferList: [buffer] as object }),
      close: () => pool.destroy(),
    }
  }
}
