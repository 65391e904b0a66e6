import type { Duration } from '../../core/duration.ts'

/** Who appends to a stream that several processes share. */
export interface StreamProducer {
  /**
   * Appends a message behind those of its key. What is given in one tick, and while other messages are on their way,
   * goes in one batch; all of a batch share one promise.
   * @returns resolves when the server has it. What a lost reply leaves open is sent again, and stored once.
   * @throws MillhandError (as a rejection) INVALID_OPTION for a key or data that cannot be, PAYLOAD_TOO_LARGE,
   *   PUBLISH_FULL when too much waits to be sent, INVALID_STATE after close; BackendError for what will not mend.
   */
  append(key: string, data: string | Uint8Array): Promise<void>
  /** Messages that the server does not have yet. */
  readonly pending: number
  /** Resolves when the server has all that was given before. Rejects when some of it could not be stored. */
  flush(): Promise<void>
  /** Sends what waits, for at most `timeout` (default: 5 s), and closes; what is left is rejected. */
  close(options?: { readonly timeout?: Duration }): Promise<void>
}
