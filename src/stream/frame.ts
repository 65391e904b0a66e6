/**
 * How a message lies in a ring. All numbers are in the byte order of the machine, since nobody reads them elsewhere.
 *
 *     byte  0  units of 8 bytes of the whole frame, this header included
 *           4  kind | bytes between key and payload << 8 | partition << 16
 *           8  bytes of the key | place of the key in the table of keys << 16
 *          12  bytes of the payload
 *          16  sequence number within the partition                            (64-bit float)
 *          24  when it was routed, ms of the monotonic clock of the machine    (64-bit float)
 *          32  token: gap: how many were dropped; query, barrier, notice, grant: its number
 *          36  number of the key, or 0; see key-table.ts
 *          40  key, payload (at an address like that which it was copied from), up to 7 bytes of padding
 *
 * A frame lies in one piece. Where it would not fit before the end of the ring, a frame of kind `pad` fills that.
 */
export const HEADER_BYTES = 40
/** Frames begin at multiples of this. */
export const UNIT_BYTES = 8

/** What a frame is. */
export const Frame = {
  /** Only a frame's room. */
  pad: 0,
  /** A message whose payload is a text. */
  text: 1,
  /** A message whose payload is bytes. */
  bytes: 2,
  /** Messages of this key were dropped here; of any key of the partition, when the key is empty. */
  gap: 3,
  /** A question to the state of a key. */
  query: 4,
  /** Everything that was routed to this slot before is in front of it. */
  barrier: 5,
  /** What whoever minds the worker tells it of a partition, in order with the messages. */
  notice: 6,
  /** What follows of the partition is for the life, named by the text, that was granted it under this number. */
  grant: 7,
} as const

/** One of the values of `Frame`, `pad` excepted: that is never handed out. */
export type FrameKind = Exclude<(typeof Frame)[keyof typeof Frame], 0>

/** Keys are at most so long, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 65_535

/** Bytes that a frame takes, rounded up to units. */
export function frameUnits(keyBytes: number, payloadBytes: number): number {
  return (HEADER_BYTES + keyBytes + payloadBytes + UNIT_BYTES - 1) >>> 3
}
