import type { Transferable } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './protocol.ts'

/** A line to one worker of a pool, in a thread or process that was just started. Keeps this process alive by nothing. */
export interface Line {
  /** Whether `recall` works. */
  readonly canRecall: boolean
  /** @throws DataCloneError when something in it cannot be copied. Does nothing when the worker is gone. */
  post(message: ToWorker, transfer?: readonly Transferable[]): void
  /** Hands over the results that the worker left, where it can leave any. Right also when the worker is dead. */
  readResults(take: (head: number, value: unknown, micros: number) => void): void
  /** The number after that of the last task that was begun. Right also when the worker is dead. */
  begun(): number
  /** Takes back what has not begun below `end`. @returns the first number taken back; undefined when it cannot. */
  recall(end: number): number | undefined
  /** Ends it at once, whatever it does. */
  terminate(): void
}

export interface LineListener {
  onMessage(message: FromWorker): void
  /** Once, after the last message. `begun()` can be asked meanwhile, and not after. */
  onExit(exit: {
    readonly exitCode: number | undefined
    readonly signal: string | undefined
    readonly error: Error | undefined
  }): void
}

export interface LineOptions {
  readonly execArgv: readonly string[] | undefined
  readonly env: Readonly<Record<string, string>>
  readonly resourceLimits: Readonly<Record<string, number>> | undefined
}

/** @throws what the platform says when a thread or process cannot be started at all. */
export type OpenLine = (options: LineOptions, listener: LineListener) => Line
