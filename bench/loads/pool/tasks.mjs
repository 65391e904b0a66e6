// What the tasks of the suite `pool` do, the same for everybody. A plain module: it is loaded as it would be deployed.

/**
 * Rounds of work that take about a millisecond. The work is fixed, not the time: a thread that waits for its core
 * must not get away with less.
 */
const ROUNDS_PER_MS = 920_000

export function noop(n) {
  return n
}

export function cpu100us(n) {
  work(0.1)
  return n
}

export function cpu10ms(n) {
  work(10)
  return n
}

/** One of a hundred is a thousand times as long as the others. */
export function mixed(n) {
  work(n % 100 === 50 ? 100 : 0.1)
  return n
}

/** Answers in the second word to what stands in the first. */
export function stamp(buffer) {
  const words = new Uint32Array(buffer)
  words[1] = words[0] + 1
  return buffer
}

function work(milliseconds) {
  let x = 1
  for (let left = milliseconds * ROUNDS_PER_MS; left > 0; left--) x = (Math.imul(x, 1664525) + 1013904223) | 0
  sink = x
}

// Somebody could look at it: the work cannot be left out.
export let sink = 0
