/** What a feed asks of who handles the messages: a `StreamGroup`. */
export interface FeedTarget {
  /**
   * Undefined when the message is in; else a promise that resolves when it is.
   * @throws MillhandError PAYLOAD_TOO_LARGE or INVALID_OPTION for a message that it can never take.
   */
  route(key: string, data: string | Uint8Array): Promise<void> | undefined
  /** Resolves when everything that was routed before this call is done with. */
  settled(): Promise<void>
  /** Drops all state of the keys of these partitions: they have another owner now. */
  forget(partitions: readonly number[]): Promise<void> | void
  /**
   * Each key of these partitions is told of a gap before its next message. `moved`: they were another process's,
   * whose states are not here. `lost`: the source could not bring some of their messages.
   */
  gap(partitions: readonly number[], reason: 'moved' | 'lost'): Promise<void> | void
}
