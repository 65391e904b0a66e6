/**
 * Memory by which a pool calls a thread that listens without its event loop: at RUNG the count of the messages that it
 * was sent, at DOZES 1 while it sleeps until that changes.
 */
export const RUNG = 0
export const DOZES = 1

export function newBell(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
}

/** To be called when a message was sent. */
export function ring(bell: Int32Array): void {
  Atomics.add(bell, RUNG, 1)
  if (Atomics.load(bell, DOZES) !== 0) Atomics.notify(bell, RUNG)
}
