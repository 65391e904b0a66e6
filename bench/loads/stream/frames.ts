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
  /** What a market is called, by its place in the order in which they come. Default: as the feed calls it. */
  readonly names?: readonly string[]
}

/** The number of a frame is its time, counted from here. */
const FIRST_AT = 1_767_225_600_000
const TIME = /"timestamp":"\d+"/
const MARKETS = 100

/**
 * Frames as the feed of examples/order-book gives them, some 590 bytes each: snapshots of all books first, then
 * changes of them. There is no end of them.
 */
export function* endlessFrames({ markets = MARKETS, levels, names }: FrameOptions = {}): Generator<{
  readonly key: string
  readonly bytes: Buffer
}> {
  const options = {
    seed: 1,
    markets,
    count: Infinity,
    trades: 0,
    ...(levels === undefined ? {} : { levels }),
  }
  const renamed = new Map<string, string>()
  let number = 0
  for (const { market, text } of generateFrames(options)) {
    // Of a type that is skipped unread, so that nobody could say that it was seen.
    if (text.endsWith('"event_type":"holiday"}')) continue
    let key = renamed.get(market)
    if (key === undefined) renamed.set(market, (key = names?.[renamed.size] ?? market))
    const numbered = text.replace(market, key).replace(TIME, `"timestamp":"${FIRST_AT + number++}"`)
    yield { key, bytes: Buffer.from(numbered) }
  }
}

/** So many of them. @param options.bytes also as they come from a network. */
export function makeFrames(
  count: number,
  { bytes: keepsBytes = false, ...options }: FrameOptions & { readonly bytes?: boolean } = {},
): Frames {
  const [keys, texts, kept]: [string[], string[], Buffer[]] = [[], [], []]
  for (const { key, bytes } of endlessFrames(options)) {
    keys.push(key)
    // One piece of one-byte characters, as it would come out of a decoder.
    texts.push(bytes.toString('latin1'))
    if (keepsBytes) kept.push(bytes)
    if (keys.length === count) break
  }
  return { keys, texts, bytes: kept }
}

/** Which frame has that time. */
export function numberOf(at: number): number {
  return at - FIRST_AT
}
