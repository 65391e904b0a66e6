/** Messages of bytes: as long as a frame, with their number in front and nothing else to be read. */
const BYTES = 590

/** Bytes of their own memory: posting a view would copy all that it is a view of. */
export function newMessage(): Uint8Array {
  return new Uint8Array(BYTES).fill(120)
}

/** Whoever sends copies at once, so that the same bytes serve for the next. */
export function setNumber(bytes: Uint8Array, n: number): void {
  bytes[0] = n
  bytes[1] = n >>> 8
  bytes[2] = n >>> 16
  bytes[3] = n >>> 24
}

export function messageNumber(bytes: Uint8Array): number {
  return bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)
}

export function keyNumber(n: number): string {
  return `key-${n}`
}
