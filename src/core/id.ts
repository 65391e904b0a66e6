import { builtin } from './builtin.ts'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'
const TIME_LENGTH = 9
const RANDOM_LENGTH = 13
const SEED_BYTES = 64

const POOL_BYTES = 4096

let pool = new Uint8Array(0)
let used = 0
let lastMs = 0
let lastTime = ''
let counter = 0

/** `length` random characters of 0-9a-z, about 5.2 bits each, from the system's generator. */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    if (used === pool.length) {
      pool = randomBytes(POOL_BYTES)
      used = 0
    }
    const byte = pool[used++]!
    // 252 = 7 * 36: bytes above it would favour the first letters.
    if (byte < 252) text += ALPHABET[byte % 36]
  }
  return text
}

/** For `seedRandom` in a thread: as many as its worker needs for a name of its own and a few more. */
export function randomSeed(): Uint8Array<ArrayBuffer> {
  return randomBytes(SEED_BYTES)
}

/** Gives a thread its first random bytes, which nobody else may use, so that it need not load `node:crypto` to start. */
export function seedRandom(bytes: Uint8Array<ArrayBuffer>): void {
  pool = bytes
  used = 0
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return builtin.crypto.randomFillSync(new Uint8Array(length))
}

/** Random for each process (and thread), so that two producers cannot make the same id. */
let origin: string | undefined

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
  origin ??= randomText(RANDOM_LENGTH - 4)
  return lastTime + counter.toString(36).padStart(4, '0') + origin + randomText(4)
}
