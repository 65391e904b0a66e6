/** The module of the pool: each of its workers loads this file. */
import { setImmediate } from 'node:timers/promises'
import type { TaskContext } from 'millhand/pool'

export interface Primes {
  readonly below: number
  readonly count: number
  /** Null when there is none. */
  readonly largest: number | null
}

/** So many numbers at a time: they fit into the cache of a core, and take a millisecond or so. */
const SEGMENT = 262_144

/** Counts the primes below a number, by the sieve of Eratosthenes. */
export async function countPrimes(this: TaskContext, below: number): Promise<Primes> {
  const divisors = primesUpTo(Math.floor(Math.sqrt(below)))
  let count = 0
  let largest: number | null = null
  for (let low = 2; low < below; low += SEGMENT) {
    const isComposite = sieve(low, Math.min(low + SEGMENT, below), divisors)
    for (let i = 0; i < isComposite.length; i++) {
      if (isComposite[i] === 1) continue
      count++
      largest = low + i
    }
    // A thread hears that its task was cancelled when it comes back to its event loop. One that never does is ended
    // after `abortGrace`, and another one started; this one goes on with the next task at once.
    await setImmediate()
    // oxlint-disable-next-line no-this-in-exported-function -- a pool calls its functions with their context as this
    this.signal.throwIfAborted()
  }
  return { below, count, largest }
}

/** 1 for each number from `low` to before `high` that has one of the divisors. */
function sieve(low: number, high: number, divisors: readonly number[]): Uint8Array {
  const isComposite = new Uint8Array(high - low)
  for (const divisor of divisors) {
    const first = Math.max(divisor * divisor, Math.ceil(low / divisor) * divisor)
    for (let n = first; n < high; n += divisor) isComposite[n - low] = 1
  }
  return isComposite
}

function primesUpTo(limit: number): number[] {
  const primes: number[] = []
  for (let n = 2; n <= limit; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  }
  return primes
}
