/** A variable of the environment of a worker process: the folder of the ledgers. */
export const LEDGERS = 'MILLHAND_CHAOS_LEDGERS'

/** The payload of a message. */
export interface Numbered {
  readonly n: number
  /** What its handler takes, ms. */
  readonly workMs: number
}
