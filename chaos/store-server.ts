/** A server that keeps the jobs of a trial, and what can happen to it. */
export interface StoreServer {
  readonly port: number
  /** The URL of the store for whoever reaches the server at another port of this machine. */
  urlAt(port: number): string
  /** Ends it, orderly (SIGTERM) or at once (SIGKILL). Resolves when it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Starts it with what it had kept. Resolves when it answers. */
  start(): Promise<void>
  /** Makes it end connections. @param each says of one after the other whether it is hit. @returns how many were. */
  cutConnections(each: () => boolean): Promise<number>
  /** Where there are transactions: one that stays open and idle, with a snapshot and locks. @returns what ends it. */
  holdTransaction?(): Promise<() => Promise<void>>
}
