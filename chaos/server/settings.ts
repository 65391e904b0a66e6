/** What a consumer, in its thread or process, is made with. */
export interface ConsumerOptions {
  /** Of the store. */
  readonly url: string
  /** The folder of the ledgers. */
  readonly ledgers: string
  readonly misbehaves?: Misbehaviour
}

/**
 * `ignore-stop`: works on whoever asks it to stop. `block`: keeps its event loop to itself, for ever, in its first
 * life. `throw`: fails in each life.
 */
export interface Misbehaviour {
  readonly how: 'ignore-stop' | 'block' | 'throw'
  /** From the begin of its life, ms. */
  readonly afterMs: number
}

/** What a server process is started with. */
export interface ServerSettings extends Omit<ConsumerOptions, 'misbehaves'> {
  readonly threads: number
  readonly processes: number
  readonly grouped: boolean
  /** A further worker, beside those that behave. */
  readonly culprit?: Misbehaviour & {
    readonly placement: 'thread' | 'process'
    readonly isKilledOnStall: boolean
  }
  readonly shutdownMs: number
  readonly exitOnGiveUp: boolean
}

/** Short, so that what a server had in hand when it was killed comes back soon. */
export const LEASE = '1s'

/** After so long without a sign of life a worker counts as blocked. */
export const STALL_MS = 1000

/**
 * What a server process prints: it is about to be started, it is ready, its worker `culprit` was started once more,
 * or was given up.
 */
export const LINES = ['begins', 'ready', 'replaced', 'given-up'] as const
export type Line = (typeof LINES)[number]
