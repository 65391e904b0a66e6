/** What `import ... from 'millhand/pool'` offers. */
export { pool, WorkerPool, type TaskOptions } from './worker-pool.ts'
export { Task, type TaskStatus } from './task.ts'
export { type PoolOptions } from './pool-options.ts'
export { type PoolEvents, type PoolStats } from './engine.ts'
export { type TaskContext } from './work/context.ts'
export { transfer } from './transfer.ts'
