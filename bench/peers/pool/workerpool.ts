import workerpool from 'workerpool'
import { WORKERS, type OpenPool } from '../../loads/pool/task-pool.ts'
import { pathOf } from '../../places.ts'

const script = pathOf(new URL('workerpool-tasks.mjs', import.meta.url))

/** There is nothing to set that makes it faster, other than how processes write what they say. */
export function workerpoolOf(processes?: 'json' | 'advanced'): OpenPool {
  return (task) => {
    const pool = workerpool.pool(script, {
      minWorkers: WORKERS,
      maxWorkers: WORKERS,
      ...(processes === undefined
        ? { workerType: 'thread' }
        : { workerType: 'process', forkOpts: { serialization: processes } }),
    })
    return {
      run: (n) => pool.exec(task, [n]) as PromiseLike<unknown>,
      move: (buffer) => pool.exec(task, [buffer], { transfer: [buffer] }) as PromiseLike<unknown>,
      close: () => pool.terminate() as PromiseLike<unknown>,
    }
  }
}
