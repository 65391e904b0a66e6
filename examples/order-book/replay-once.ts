import { setTimeout as sleep } from 'node:timers/promises'
import type { BookService } from './book-service.ts'
import { checkBook, type CheckedBook } from './check-books.ts'
import type { PlainBooks } from './plain-books.ts'
import type { ReplayServer } from './replay/replay-server.ts'

export interface OnceResult {
  readonly books: readonly CheckedBook[]
  readonly summary: OnceSummary
}

export interface OnceSummary {
  readonly frames: number
  readonly books: number
  readonly levels: number
  /** Books that were not marked stale and not right, though nothing was kept from them: there must be none. */
  readonly wrong: number
  /** Books in which a frame that never came had changed what no later frame showed, until they were fetched anew. */
  readonly hidden: number
  /** Levels that differ at the end: there must be none. */
  readonly differences: number
  readonly stale: number
  /** What went on meanwhile. */
  readonly staled: number
  readonly gaps: number
  readonly repairs: number
  readonly rejected: number
  readonly overtaken: number
  readonly connections: number
}

export interface OnceParts {
  readonly service: BookService
  readonly replay: ReplayServer
  /** Hears every frame of the exchange, without faults. */
  readonly plain: PlainBooks
  readonly assets: readonly string[]
  readonly frames: number
}

const DEADLINE_MS = 30_000
const LOOK_MS = 20
const ALL_LEVELS = 10_000

/**
 * Replays frames with all their faults, cuts the connections half-way, and compares the books: once as they have become
 * by following, and once more when all of them were fetched anew, which shows what no frame had shown.
 */
export async function replayOnce({ service, replay, plain, assets, frames }: OnceParts): Promise<OnceResult> {
  const { feed, group } = service
  const isSubscribed = (): boolean => feed.registry.count().pending === 0
  const books = async (): Promise<CheckedBook[]> => {
    await replay.drained()
    await group.settled()
    return Promise.all(
      assets.map(async (asset) => checkBook(asset, await service.book(asset, ALL_LEVELS), plain)),
    )
  }
  const isRight = async (): Promise<boolean> => (await books()).every(({ book }) => book?.stale === null)

  await until('all books to come', isSubscribed)
  await replay.play(Math.floor(frames / 2))
  replay.cut()
  await until('the connections to be cut', () => !isSubscribed())
  await until('all books to come again', isSubscribed)
  await replay.play(frames - Math.floor(frames / 2))
  await until('all books to be right', isRight)

  const followed = (await books()).filter(
    ({ book, differences }) => book?.stale === null && differences.length > 0,
  )
  const withheld = replay.withheld()
  const hidden = followed.filter(({ asset }) => withheld.has(asset))

  const before = feed.connections
  feed.recycle()
  await until('all books to be fetched anew', () =>
    feed.connections.every((each) => !before.includes(each) && each.missing.size === 0),
  )
  await until('all books to be right', isRight)
  const last = await books()
  const countedFrom = Date.now()
  await until('the figures of all workers', () => service.countsAt > countedFrom)
  const { staled = 0, gaps = 0, rejected = 0, overtaken = 0 } = service.counts()
  const summary: OnceSummary = {
    ...{ frames, books: last.length, levels: last.reduce((sum, { levels }) => sum + levels, 0) },
    ...{ wrong: followed.length - hidden.length, hidden: hidden.length },
    differences: last.reduce((sum, { differences }) => sum + differences.length, 0),
    stale: last.filter(({ book }) => book?.stale !== null).length,
    ...{ staled, gaps, repairs: feed.counts.repairs, rejected, overtaken, connections: replay.connections },
  }
  return { books: last, summary }
}

/** @throws when it does not come about within the deadline. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + DEADLINE_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`expected ${what} within ${DEADLINE_MS / 1000} s`)
    await sleep(LOOK_MS)
  }
}
