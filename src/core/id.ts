import { builtin } from './builtin.ts'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'
/** In the order of their codes, so that what is written with them sorts as text. */
const ID_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const TIME_LENGTH = 8
const COUNTER_LENGTH = 3
const ORIGIN_LENGTH = 7
const SALT_LENGTH = 4
const MOST_A_MS = ID_ALPHABET.length ** COUNTER_LENGTH
const SEED_BYTES = 64

const POOL_BYTES = 4096

let pool = new Uint8Array(0)
let used = 0
let lastMs = 0
let lastTime = ''
let counter = 0

/** `length` random characters of 0-9a-z, about 5.2 bits each, from the system's generator. */
export function randomText(length: number): string {
  return randomOf(ALPHABET, length)
}

function randomOf(alphabet: string, length: number): string {
  // Bytes above the last multiple would favour the first letters.
  const fair = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    if (used === pool.length) {
      pool = randomBytes(POOL_BYTES)
      used = 0
    }
    const byte = pool[used++]!
    if (byte < fair) text += alphabet[byte % alphabet.length]
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
 * A new id of 22 characters of 0-9A-Za-z: 8 of time, 3 of a counter, 7 random for this process, and 4 of random
 * salt. Ids sort by the time they were made; those of one process in the order they were made, even when the
 * wall clock goes back.
 */
export function newId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) setTime(nowMs)
  else if (++counter >= MOST_A_MS) setTime(lastMs + 1)
  origin ??= randomOf(ID_ALPHABET, ORIGIN_LENGTH)
  return lastTime + inDigits(counter, COUNTER_LENGTH) + origin + randomOf(ID_ALPHABET, SALT_LENGTH)
}

function setTime(ms: number): void {
  lastMs = ms
  lastTime = inDigits(ms, TIME_LENGTH)
  counter = 0
}

function inDigits(value: number, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest = Math.floor(rest / ID_ALPHABET.length)) {
    text = ID_ALPHABET[rest % ID_ALPHABET.length]! + text
  }
  return text
}
