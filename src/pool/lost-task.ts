import { MillhandError, WorkerExitError } from '../core/errors.ts'
import type { Task } from './task.ts'

/** A task had begun when its worker died. `code` is WORKER_EXITED; `cause` is what the worker died of, if known. */
export class TaskLostError extends WorkerExitError {
  /** The name of the function. */
  readonly task: string
  /** Which try of the task it was, from 1. */
  readonly attempt: number

  /** @internal */
  constructor(task: Task, what: string, exit: WorkerExitError) {
    const { exitCode, signal, cause } = exit
    super(`${task.name} ${what} (attempt ${task.attempt}): ${exit.message}`, {
      ...{ exitCode, signal },
      ...(cause === undefined ? {} : { cause }),
    })
    this.task = task.name
    this.attempt = task.attempt
  }
}

export function cancelledError(name: string, reason: unknown): Error {
  const options = reason === undefined ? undefined : { cause: reason }
  return new MillhandError('TASK_CANCELLED', `${name} was cancelled`, options)
}

export function timeoutError(task: Task): Error {
  const { name, settings, attempt } = task
  return new MillhandError(
    'TASK_TIMEOUT',
    `${name} did not end within ${settings.timeoutMs} ms (attempt ${attempt})`,
  )
}

export function poisonError(task: Task, last: Error): Error {
  const { name, crashes } = task
  return new MillhandError(
    'TASK_POISON',
    `${name} took ${crashes} workers down with it, and is not tried again: ${last.message}`,
    { cause: last },
  )
}
