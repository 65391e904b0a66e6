import type { ProcessWorker, ThreadWorker } from '../../src/index.ts'

export interface VictimOptions {
  /** It does not care when it is asked to stop. */
  readonly ignoresStop?: boolean
}

/**
 * Takes orders: to `throw` outside of its hooks, to `block` its event loop for ever, or to `exit` from its thread or
 * process.
 */
export declare class ThreadVictim extends ThreadWorker<VictimOptions> {
  override main(): Promise<void>
}

/** The same in a process. */
export declare class ProcessVictim extends ProcessWorker<VictimOptions> {
  override main(): Promise<void>
}
