import { WorkerPool } from '../../millhand.ts'
import { WORKERS, type OpenPool } from './task-pool.ts'

type Tasks = Readonly<Record<string, (input: number | ArrayBuffer) => unknown>>
const MODULE = new URL('millhand-tasks.mjs', import.meta.url)

export function millhand(placement: 'thread' | 'process' = 'thread'): OpenPool {
  return (task) => {
    const pool = new WorkerPool<Tasks>(MODULE, { placement, min: WORKERS, max: WORKERS })
    return {
      run: (n) => pool.run(task, [n]),
      move: (buffer) => pool.run(task, [buffer], { transfer: [buffer] }),
      close: () => pool.close(),
    }
  }
}
