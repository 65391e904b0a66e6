/** A length has one byte of the packet's type before it and at most four of its own. */
export const MAX_LENGTH_BYTES = 5

/** Integers of one to four bytes, seven bits in each, the lowest first. */
export class Varint {
  /** Where the last one that was read has ended. */
  end = 0

  /** @returns undefined when it is not all there before `limit`, or has more than four bytes. */
  read(bytes: Uint8Array, at: number, limit: number): number | undefined {
    let value = 0
    for (let shift = 0; shift < 28 && at < limit; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.end = at
        return value
      }
    }
    return undefined
  }
}
