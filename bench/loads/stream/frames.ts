import { generateFrames } from '../../../examples/order-book/frames.ts'

/** Frames of an order book's feed, each with its number in it. */
export interface Frames {
  /** The market that each is about. */
  readonly keys: readonly string[]
  readonly texts: readonly string[]
  /** The same as they come from a network; empty unless they were asked for. */
  readonly bytes: readonly Buffer[]
}

export interface FrameOptions {
  readonly markets?: number
  /** Of each book. Default: those of the example. */
  readonly levels?: number
  readonly bytes?: boolean
}

/** The number of a frame is its time, counted from here. */
const FIRST_AT = 1_767_225_600_000
const TIME = /"timestamp":"\d+"/
const MARKETS = 100

/**
 * Frames as the feed of examples/order-book gives them, some 590 bytes each: snapshots of all books first, then
 * changes, and the trades among them with the books after them.
 */
export function makeFrames(
  count: number,
  { markets = MARKETS, levels, bytes = false }: FrameOptions = {},
): Frames {
  const frames: Frames & { keys: string[]; texts: string[]; bytes: Buffer[] } = {
    keys: [],
    texts: [],
    bytes: [],
  }
  const options = { seed: 1, markets, count: 2 * count + 10, ...(levels === undefined ? {} : { levels }) }
  for (const { market, text } of generateFrames(options)) {
    // Of a type that is skipped unread, so that nobody could say that it was seen.
    if (text.endsWith('"event_type":"holiday"}')) continue
    const numbered = Buffer.from(text.replace(TIME, `"timestamp":"${FIRST_AT + frames.keys.length}"`))
    frames.keys.push(market)
    // One piece of one-byte characters, as it would come out of a decoder.
    frames.texts.push(numbered.toString('latin1'))
    if (bytes) frames.bytes.push(numbered)
    if (frames.keys.length === count) break
  }
  return frames
}

/** Which frame has that time. */
export function numberOf(at: number): number {
  return at - FIRST_AT
}
