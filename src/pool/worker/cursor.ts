/** The cursor of a worker; see protocol.ts. */
export interface Cursor {
  /** Begins with task `number`. @returns false when it was recalled. */
  begin(number: number): boolean
}

/** Of a thread: in memory that it shares with the pool. */
export function sharedCursor(memory: Int32Array): Cursor {
  return {
    begin(number) {
      const at = Atomics.load(memory, 0)
      return at <= number && Atomics.compareExchange(memory, 0, at, number + 1) === at
    },
  }
}
