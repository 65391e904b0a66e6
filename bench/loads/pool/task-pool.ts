export type TaskName = 'noop' | 'cpu100us' | 'cpu10ms' | 'mixed' | 'stamp'

/** A pool under test: as many workers as all others have, for one function of tasks.mjs. */
export interface TaskPool {
  readonly run: (n: number) => PromiseLike<unknown>
  /** Calls `stamp`; the buffer moves there, and moves back. */
  readonly move: (buffer: ArrayBuffer) => PromiseLike<unknown>
  readonly close: () => PromiseLike<unknown>
}

export type OpenPool = (task: TaskName) => TaskPool

export const WORKERS = 2
