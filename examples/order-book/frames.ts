import { Exchange } from './replay/exchange.ts'
import { Random } from './replay/random.ts'

/** How often the feed does what real ones do, from 0 to 1 of its frames. */
export interface Faults {
  /** The frame never comes. */
  readonly gap: number
  /** It comes after the one that follows it. */
  readonly swapped: number
  /** It comes twice. */
  readonly twice: number
  /** Only its first half comes. */
  readonly half: number
  /** It comes in an array of its own. */
  readonly array: number
}

export const NO_FAULTS: Faults = { gap: 0, swapped: 0, twice: 0, half: 0, array: 0 }
export const USUAL_FAULTS: Faults = { gap: 0.002, swapped: 0.001, twice: 0.001, half: 0.0005, array: 0.01 }

/** A frame with the market that it is about. */
export interface KeyedFrame {
  readonly market: string
  readonly text: string
}

/** What a connection makes of the frames of an exchange. Half of a frame comes through, too: it has lost its end. */
export class FaultyLine {
  readonly #faults: Faults
  readonly #random: Random
  #held: KeyedFrame | undefined

  constructor(seed: number, faults: Faults) {
    this.#random = new Random(seed)
    this.#faults = faults
  }

  /** What arrives for it: nothing, one frame or more. */
  send({ market, text }: KeyedFrame): KeyedFrame[] {
    const { gap, swapped, twice, half, array } = this.#faults
    const chance = this.#random.next()
    const late = this.#held
    this.#held = undefined
    const after = late === undefined ? [] : [late]
    let bound = gap
    if (chance < bound) return after
    if (chance < (bound += half)) return [{ market, text: text.slice(0, text.length / 2) }, ...after]
    if (chance < (bound += twice)) return [{ market, text }, { market, text }, ...after]
    if (chance < (bound += array)) return [{ market, text: `[${text}]` }, ...after]
    if (chance < bound + swapped) {
      this.#held = { market, text }
      return after
    }
    return [{ market, text }, ...after]
  }

  /** What is still on its way. */
  end(): KeyedFrame[] {
    const held = this.#held
    this.#held = undefined
    return held === undefined ? [] : [held]
  }
}

/** The same for the same seed: a snapshot of each asset, then so many frames of all markets together. */
export function* generateFrames(options: {
  readonly seed: number
  readonly markets: number
  /** Besides the snapshots. */
  readonly count: number
  readonly levels?: number
  readonly trades?: number
  /** Default: none. */
  readonly faults?: Faults
}): Generator<KeyedFrame, Exchange> {
  const exchange = new Exchange(options)
  for (const { market, assets } of exchange.markets)
    for (const asset of assets) yield { market, text: exchange.bookText(asset)! }
  const line = new FaultyLine(options.seed + 1, options.faults ?? NO_FAULTS)
  for (let n = 0; n < options.count; n++) yield* line.send(exchange.next())
  yield* line.end()
  return exchange
}
