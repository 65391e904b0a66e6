import { startBeside } from './helper-thread.ts'

/** The line between the guard of a process and whoever started that process: a pipe with this number. */
export const GUARD_FD = 4

/** One line of JSON each. Questions are numbered, so that a late answer is not taken for another one. */
export interface Question {
  readonly id: number
}
export interface Answer extends Question {
  /** Where the loop is; absent when it could not be asked. */
  readonly stack?: string | undefined
}

/**
 * Starts the guard of this process: a thread that says where the loop is when that cannot answer itself, and that
 * ends the process when whoever minds it is gone and a blocked loop does not notice.
 */
export function startGuard(onFailure: (error: Error) => void): void {
  startBeside('guard', {}, onFailure)
}
