import { Tinypool } from 'tinypool'
import { WORKERS, type OpenPool } from '../../loads/pool/task-pool.ts'
import { pathOf } from '../../places.ts'

export interface TinypoolSettings {
  /** How many tasks a worker is sent at once. */
  readonly perWorker: number
  /** Threads wait blocked for messages, not by their event loop. */
  readonly atomics?: boolean
  /** Default: threads. */
  readonly processes?: 'json' | 'advanced'
}

const filename = pathOf(new URL('tinypool-tasks.mjs', import.meta.url))

export function tinypool({ perWorker, atomics = false, processes }: TinypoolSettings): OpenPool {
  return (task) => {
    const pool = new Tinypool({
      filename,
      name: task,
      minThreads: WORKERS,
      maxThreads: WORKERS,
      concurrentTasksPerWorker: perWorker,
      useAtomics: atomics,
      ...(processes === undefined ? {} : { runtime: 'child_process', serialization: processes }),
    })
    return {
      run: (n) => pool.run(n),
      // Its types know of options only, where the list itself is taken.
      move: (buffer) => pool.run(buffer, { transferList: [buffer] as object }),
      close: () => pool.destroy(),
    }
  }
}
