import type { Transferable } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './protocol.ts'

/** A line to one worker of a pool, in a thread or process that was just started. */
export interface Line {
  readonly pid: number | undefined
  readonly threadId: number | undefined
  /** @throws DataCloneError when something in it cannot be copied. Does nothing when the worker is gone. */
  post(message: ToWorker, transfer?: readonly Transferable[]): void
  /** The number after that of the last task that was begun. Right also when the worker is dead. */
  begun(): number
  /** Takes back what has not begun below `end`. @returns the first number taken back; undefined when it cannot. */
  recall(end: number): number | undefined
  /** Ends it at once, whatever it does. */
  terminate(): void
}

export interface LineListener {
  onMessage(message: FromWorker): void
  /** Once, after the last message. */
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

export type OpenLine = (options: LineOptions, listener: LineListener) => Line
