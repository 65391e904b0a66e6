import { type Logger, type Placement } from 'millhand'
import { StreamGroup } from 'millhand/stream'
import type { StaleReason } from './book.ts'
import { BookWorker, type BookRequest, type News, type WorkerCounts } from './book-worker.ts'
import { Feed } from './feed/feed.ts'
import type { FeedOptions } from './feed/feed-options.ts'
import type { BookView } from './market-view.ts'

export interface BookServiceOptions {
  readonly feed: FeedOptions
  readonly workers: number
  readonly placement: Placement
  readonly logger: Logger
}

export interface Health {
  readonly healthy: boolean
  /** A line each; empty when it is healthy. */
  readonly problems: readonly string[]
}

const QUERY_TIMEOUT = '1s'
/** Who asks for a book waits no longer for it to come than this. */
const MAX_PENDING_MS = 60_000

/** The feed on one side, the workers that hold the books on the other, and what both say of themselves. */
export class BookService {
  readonly feed: Feed
  readonly group: StreamGroup
  /** Markets whose books have been wrong for a while, and why. */
  readonly stale: Map<string, StaleReason> = new Map()
  /** The last figures of each worker. */
  readonly #counts = new Map<string, { readonly counts: WorkerCounts; readonly at: number }>()

  constructor({ feed, workers, placement, logger }: BookServiceOptions) {
    this.group = new StreamGroup(BookWorker, {
      ...{ name: 'books', workers, placement, logger },
      // The books of some market must not wait long behind those of others; the feed waits instead.
      ...{ maxMessages: 5000, overflow: 'block' },
      outputs: { news: { add: async (_key, news) => this.#hear(news as News) } },
    })
    this.feed = new Feed(feed, (market, text) => this.group.route(market, text))
    // Keys that say nothing for long would not be told of their gap for as long.
    this.group.streamEvents.on('recovered', ({ gaps }) => void (gaps > 0 && this.feed.recycle()))
  }

  /**
   * The book of an asset, from the worker that owns it, in order with what the feed has told.
   * @param depth levels of each side.
   * @returns null when there is none yet.
   * @throws MillhandError REQUEST_TIMEOUT
   */
  async book(asset: string, depth: number): Promise<BookView | null> {
    const market = this.feed.registry.get(asset)?.market
    if (market === undefined) return null
    const request: BookRequest = { asset, depth }
    return (await this.group.query(market, request, { timeout: QUERY_TIMEOUT })) as BookView | null
  }

  /** Of all workers together, as they told it last. */
  counts(): Partial<WorkerCounts> {
    const sums: Record<string, number> = {}
    for (const { counts } of this.#counts.values())
      for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
    return sums
  }

  /** The oldest of these figures, ms since 1970. */
  get countsAt(): number {
    return Math.min(...[...this.#counts.values()].map(({ at }) => at))
  }

  health(): Health {
    const { feed, group } = this
    const problems: string[] = []
    const alive = group.getAliveCount()
    if (!group.isHealthy()) problems.push(`${alive} of ${group.replicas} workers read messages`)
    const ill = feed.connections.filter(({ isHealthy }) => !isHealthy).length
    if (ill > 0)
      problems.push(`${ill} of ${feed.connections.length} connections to the feed are not open, or silent`)
    const pending = feed.registry.list().filter(({ status }) => status === 'pending')
    const lost = pending.filter(({ market }) => market !== undefined).length
    if (lost > 0) problems.push(`${lost} assets have lost their connection to the feed`)
    const late = pending.filter(({ since }) => Date.now() - since > MAX_PENDING_MS).length
    if (late > 0) problems.push(`${late} assets have waited for their book for more than a minute`)
    return { healthy: problems.length === 0, problems }
  }

  #hear(news: News): void {
    switch (news.type) {
      case 'stale':
        this.stale.set(news.market, news.reason)
        return this.feed.repair(news.market)
      case 'right':
        return void this.stale.delete(news.market)
      case 'counts':
        this.#counts.set(news.worker, { counts: news.counts, at: news.at })
    }
  }
}
