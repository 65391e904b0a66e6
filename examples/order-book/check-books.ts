import type { BookView, LevelView } from './market-view.ts'
import type { PlainBooks } from './plain-books.ts'

/** A book, compared level by level. */
export interface CheckedBook {
  readonly asset: string
  /** Null: there is none. */
  readonly book: BookView | null
  /** Levels that were compared, of both sides. */
  readonly levels: number
  /** Where the two are not the same. */
  readonly differences: readonly string[]
}

/** Compares what the service says of an asset with what plain maps of the same frames hold. */
export function checkBook(asset: string, book: BookView | null, plain: PlainBooks): CheckedBook {
  const differences: string[] = []
  let levels = 0
  for (const [side, held] of [
    ['BUY', book?.bids ?? []],
    ['SELL', book?.asks ?? []],
  ] as const) {
    const expected = plain.levels(asset, side)
    const length = Math.max(held.length, expected.length)
    levels += length
    for (let n = 0; n < length; n++) {
      const [is, shouldBe] = [show(held[n]), show(expected[n])]
      if (is !== shouldBe) differences.push(`${side} ${n}: expected ${shouldBe}, got: ${is}`)
    }
  }
  return { asset, book, levels, differences }
}

function show(level: LevelView | undefined): string {
  return level === undefined ? 'nothing' : `${level.size} at ${level.price}`
}
