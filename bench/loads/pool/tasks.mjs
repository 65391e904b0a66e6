// What the tasks of the suite `pool` do, the same for everybody. A plain module: it is loaded as it would be deployed.
import { crc32 } from 'node:zlib'

/**
 * Checksums that take about 100 microseconds. The work is fixed, not the time: a thread that waits for its core must
 * not get away with less. It is native code, which costs the same from the first call on; a loop in JavaScript was
 * five times as slow while the engine had compiled it only half.
 */
const SUMS_PER_100_US = 30
const BLOCK = new Uint8Array(16_384)

export function noop(n) {
  return n
}

export function cpu100us(n) {
  work(SUMS_PER_100_US)
  return n
}

export function cpu10ms(n) {
  work(100 * SUMS_PER_100_US)
  return n
}

export function mixed(n) {
  work(isLong(n) ? 1000 * SUMS_PER_100_US : SUMS_PER_100_US)
  return n
}

/** One of a hundred, by turns an odd one and an even one: dealt out in turn, they are shared by both workers. */
export function isLong(n) {
  return n % 100 === 50 + (Math.floor(n / 100) % 2)
}

/** Answers in the second word to what stands in the first. */
export function stamp(buffer) {
  const words = new Uint32Array(buffer)
  words[1] = words[0] + 1
  return buffer
}

function work(sums) {
  let sum = 0
  for (let i = 0; i < sums; i++) sum = crc32(BLOCK, sum)
}
