import type { Task } from './task.ts'

export interface PoolEvents {
  /** A function said how far it is. */
  progress: { readonly task: Task; readonly progress: unknown }
  /** A worker is ready. */
  ready: { readonly workers: number }
  /** A worker ended although it was not asked to; so many tasks that it had begun have failed or are tried again. */
  crash: { readonly error: Error; readonly tasks: number }
}
