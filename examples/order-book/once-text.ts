import type { CheckedBook } from './check-books.ts'
import type { OnceResult, OnceSummary } from './replay-once.ts'

/** So many books are shown; all are checked. */
const SHOWN = 10

export function isWell({ wrong, differences, stale }: OnceSummary): boolean {
  return wrong === 0 && differences === 0 && stale === 0
}

export function onceText({ books, summary }: OnceResult): string {
  const { frames, levels, wrong, hidden, differences, stale, staled, gaps, repairs } = summary
  const { rejected, overtaken, connections } = summary
  return [
    'asset             bids  asks  best bid              best ask              checked',
    ...books.slice(0, SHOWN).map(line),
    ...(books.length > SHOWN ? [`... and ${books.length - SHOWN} more`] : []),
    ...books.flatMap(({ asset, differences }) => differences.map((difference) => `${asset}: ${difference}`)),
    '',
    `${frames} frames over ${connections} connections: ${books.length} books, ${levels} levels checked one by one`,
    `differing levels: ${differences}, books still stale: ${stale}, books silently wrong: ${wrong}`,
    `marked stale ${staled} times, ${gaps} of them for a gap, fetched anew ${repairs} times; ${rejected} rejected, ${overtaken} came too late`,
    `${hidden} books had missed a frame that nothing showed, until all were fetched anew`,
  ].join('\n')
}

function line({ asset, book, levels, differences }: CheckedBook): string {
  const bids = book?.bids ?? []
  const asks = book?.asks ?? []
  return [
    `${asset.slice(0, 12)}...  `.padEnd(18),
    String(bids.length).padStart(4),
    String(asks.length).padStart(6),
    `  ${best(bids)}${best(asks)}`,
    differences.length === 0 ? `${levels} levels equal` : `${differences.length} of ${levels} levels DIFFER`,
  ].join('')
}

function best(levels: readonly { readonly price: string; readonly size: string }[]): string {
  const [level] = levels
  return (level === undefined ? 'none' : `${level.price} x ${level.size}`).padEnd(22)
}
