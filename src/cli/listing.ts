import { jsonText } from './json.ts'
import type { Session } from './session.ts'
import { Table, type Column } from './table.ts'

/** How many records are asked for at a time. */
const PAGE = 500

export interface Listing<T> {
  readonly limit: number
  readonly after: number | undefined
  readonly columns: readonly Column[]
  /** What to say to people when there is nothing. */
  readonly nothing: string
  readonly fetch: (page: { readonly limit: number; readonly after: number }) => Promise<readonly T[]>
  readonly row: (item: T) => readonly string[]
  readonly seqOf: (item: T) => number
}

/**
 * Writes records page by page, as one JSON array on one line or as a table; stops as soon as nobody reads. For
 * people, a note on standard error tells how to go on when there are more than the limit.
 */
export async function writeListing<T>(session: Session, listing: Listing<T>): Promise<void> {
  const { out, json } = session
  const { row } = listing
  const table = new Table(listing.columns)
  let after = listing.after ?? -1
  let left = listing.limit
  let isFirst = true
  let hasMore = true
  while (left > 0 && hasMore && !out.isClosed) {
    const size = Math.min(left, PAGE)
    // One more than is shown tells whether there is a next page.
    const found = await listing.fetch({ limit: size + 1, after })
    const page = found.slice(0, size)
    hasMore = found.length > size
    left -= page.length
    const last = page.at(-1)
    if (last === undefined) break
    after = listing.seqOf(last)
    const opening = isFirst ? '[' : ','
    isFirst = false
    await out.write(
      json ? opening + page.map((item) => jsonText(item)).join(',') : table.render(page.map(row)),
    )
  }
  if (json) await out.write(isFirst ? '[]\n' : ']\n')
  else if (isFirst) await out.write(`${listing.nothing}\n`)
  else if (hasMore && !out.isClosed) await session.err.write(`there are more: go on with --after ${after}\n`)
}
