import { PlainBooks } from '../../../examples/order-book/plain-books.ts'
import type { Contender } from '../../case.ts'
import { keptMiB } from '../../heap.ts'
import { Books } from './books.ts'
import { makeFrames, type Frames } from './frames.ts'

const LEVELS = 100
/** After their snapshots books are changed so many times each: what that leaves behind counts, too. */
const CHANGES = 20
const BYTES_PER_MIB = 1024 * 1024

/** Makes the books of these frames. @returns them, and which assets they are of. */
type Hold = (frames: Frames) => { readonly held: object; readonly assets: () => Iterable<string> }

/** As workers of the order book hold them. */
export const asMarkets: Hold = ({ keys, texts }) => {
  const books = new Books({ messages: texts.length })
  for (const [n, text] of texts.entries()) books.apply(books.of(keys[n]!), text)
  books.report()
  const assets = (): Iterable<string> =>
    [...new Set(keys)].flatMap((key) => [...books.of(key).market.assets.keys()])
  return { held: books, assets }
}

/** As they would be without a thought: maps from price to size. */
export const asMaps: Hold = ({ texts }) => {
  const books = new PlainBooks()
  for (const text of texts) books.apply(text)
  return { held: books, assets: () => books.assets }
}

/** What a book takes that has 100 levels, of both sides together. */
export function bookBytes(hold: Hold): Contender {
  return async ({ jobs, deliveries }) => {
    // A market is two books that mirror each other.
    const frames = makeFrames(jobs + (jobs * CHANGES) / 2, { markets: jobs / 2, levels: LEVELS })
    const before = await keptMiB()
    const { held, assets } = hold(frames)
    const after = await keptMiB()
    deliveries.expect(jobs)
    let books = 0
    for (const _asset of assets()) deliveries.mark(books++)
    // Both are still there.
    if (frames.texts.length === 0 || held === undefined) throw new Error('expected frames and books')
    return ((after - before) * BYTES_PER_MIB) / jobs
  }
}
