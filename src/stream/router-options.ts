import { toBytes, type ByteSize } from '../core/byte-size.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { checkOptions, integer, oneOf, type Checked, type Rule } from '../core/options.ts'
import type { Overflow } from './backlog.ts'
import { frameUnits, MAX_KEY_BYTES, UNIT_BYTES } from './frame.ts'

/** How much a router keeps for its workers, and what it does when that is full. */
export interface RouterOptions {
  /** Messages that wait at one slot at most. Default 5,000. */
  readonly maxMessages?: number
  /** The same in bytes, with some 40 for each message; rounded up to a power of two. Default '8MiB', at most '1GiB'. */
  readonly maxBytes?: ByteSize
  /** The largest payload that is accepted. Default '1MiB'; at most '256MiB'. */
  readonly maxMessageBytes?: ByteSize
  /**
   * What becomes of a message for which there is no room at its slot. Default 'block'.
   *
   * - 'block': `route` returns a promise that resolves when there is; await it before the next message.
   * - 'dropNewest': it is dropped.
   * - 'dropOldest': the oldest that its worker was not offered yet is dropped.
   * - 'conflate': it takes the place of the one before it with the same key; if there is none, as 'dropOldest'.
   *
   * Each drop is counted, and told to the worker by `onGap` before the next message of that key.
   */
  readonly overflow?: Overflow
}

const SMALLEST = 4096
const LARGEST = 2 ** 30
const LARGEST_MESSAGE = 2 ** 28

function bytes(fallback: ByteSize, least: number, most: number): Rule<number> {
  return (value = fallback, option) => {
    const size = toBytes(value as ByteSize, option)
    if (size >= least && size <= most) return size
    const expected = `from ${least} to ${most} bytes`
    throw new InvalidOptionError(option, `expected ${option} to be ${expected}, got: ${size}`)
  }
}

export const ROUTER_RULES: {
  readonly maxMessages: Rule<number>
  readonly maxBytes: Rule<number>
  readonly maxMessageBytes: Rule<number>
  readonly overflow: Rule<Overflow>
} = {
  maxMessages: integer({ min: 1, max: 10_000_000, default: 5000 }),
  maxBytes: bytes('8MiB', SMALLEST, LARGEST),
  maxMessageBytes: bytes('1MiB', 1, LARGEST_MESSAGE),
  overflow: oneOf(['block', 'dropNewest', 'dropOldest', 'conflate'], 'block'),
}

export interface CheckedRouter extends Checked<typeof ROUTER_RULES> {
  /** Of a ring, in bytes: a power of two, twice as large as the largest frame at least. */
  readonly capacity: number
}

/** @throws InvalidOptionError naming the option. */
export function checkRouterOptions(given: RouterOptions | undefined): CheckedRouter {
  const checked = checkOptions('MessageRouter', ROUTER_RULES, given)
  const largest = (frameUnits(MAX_KEY_BYTES, checked.maxMessageBytes) + 1) * UNIT_BYTES
  // A frame lies in one piece: up to its own length may be lost before it.
  const least = Math.max(checked.maxBytes, 2 * largest)
  return Object.freeze({ ...checked, capacity: 2 ** Math.ceil(Math.log2(least)) })
}
