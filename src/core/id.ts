import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'
const TIME_LENGTH = 9
const RANDOM_LENGTH = 13

const pool = new Uint8Array(4096)
let used = pool.length
let lastMs = 0
let lastTime = ''
let counter = 0

/** `length` random characters of 0-9a-z, about 5.2 bits each, from the system's generator. */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const byte = pool[used++]!
    // 252 = 7 * 36: bytes above it would favour the first letters.
    if (byte < 252) text += ALPHABET[byte % 36]
  }
  return text
}

// Random for each process (and thread), so that two producers cannot make the same id.
const origin = randomText(RANDOM_LENGTH - 4)

/**
 * A new id of 26 characters of 0-9a-z: 9 of time, 4 of a counter, 9 random for this process, and 4 of random
 * salt. Ids sort by the time they were made; those of one process in the order they were made, even when the
 * wall clock goes back.
 */
export function newId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    lastTime = lastMs.toString(36).padStart(TIME_LENGTH, '0')
    counter = 0
  } else if (++counter >= 36 ** 4) {
    lastMs++
    lastTime = lastMs.toString(36).padStart(TIME_LENGTH, '0')
    counter = 0
  }
  return lastTime + counter.toString(36).padStart(4, '0') + origin + randomText(4)
}
