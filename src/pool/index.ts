/** What `import ... from 'millhand/pool'` offers. */
export { pool, WorkerPool } from './worker-pool.ts'
export { type TaskOptions } from './task-options.ts'
export {
  type ArgsOf,
  type Callable,
  type FunctionName,
  type Functions,
  type ResultOf,
  type Yielded,
} from './functions.ts'
export { Task, type TaskStatus } from './task.ts'
export { TaskLostError } from './lost-task.ts'
export { type PoolOptions } from './pool-options.ts'
export { type PoolEvents } from './pool-events.ts'
export { type PoolStats } from './pool-stats.ts'
export { type TaskContext } from './worker/context.ts'
export { transfer } from './transfer.ts'
