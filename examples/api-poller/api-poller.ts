import { RetryPolicy, Worker, type LifecycleEvent } from 'millhand'
import { fetchPage, TemporaryError, type Item } from './fetch-page.ts'
import { Store } from './store.ts'

export interface ApiPollerOptions {
  readonly url: string
  /** Where the items are kept, with how far the list was read. */
  readonly db: string
  /** Between two looks at the end of the list. */
  readonly everyMs: number
  /** Of one request. */
  readonly timeoutMs: number
  readonly token?: string | undefined
  /** Ends at the end of the list. */
  readonly once: boolean
}

/** What setup opens, for main and teardown. */
interface Context {
  store: Store
}

/** What it sends when there is something new: the event `message` of its handle. */
export interface NewItems {
  readonly items: readonly Item[]
}

/** What a look at the list showed. */
interface Look {
  readonly isAtEnd: boolean
  /** Before the next look. */
  readonly waitMs: number
}

/** Follows a list of an HTTP API to its end, page by page, and then looks again and again for what is new. */
export class ApiPoller extends Worker<ApiPollerOptions, Context> {
  // Each of many pollers waits another time, so that they do not come back all at once.
  readonly #backoff = new RetryPolicy({ baseDelay: '1s', maxDelay: '5m', jitter: 'equal' })
  #items = 0
  #errors = 0
  /** Failures since the last success. */
  #streak = 0

  override get processedCount(): number {
    return this.#items
  }

  override get errorCount(): number {
    return this.#errors
  }

  protected override setup(): void {
    this.context.store = new Store(this.options.db)
  }

  protected override async main(): Promise<void> {
    const { once, everyMs } = this.options
    while (this.isRunning) {
      const { isAtEnd, waitMs } = this.isQuiet ? { isAtEnd: false, waitMs: everyMs } : await this.#tryPoll()
      if (isAtEnd && once) return
      await this.sleep(waitMs)
    }
  }

  protected override teardown(): void {
    this.context.store?.close()
  }

  protected override lifecycle(event: LifecycleEvent): void {
    if (event.type === 'startup')
      this.logger.info({ ...this.context.store.place(this.options.url) }, 'polling')
    if (event.type === 'shutdown') this.logger.info({ items: this.#items, errors: this.#errors }, 'ended')
  }

  /** One request. A failure that is temporary is noted; others end this worker. */
  async #tryPoll(): Promise<Look> {
    try {
      const isAtEnd = await this.#poll()
      this.#streak = 0
      return { isAtEnd, waitMs: isAtEnd ? this.options.everyMs : 0 }
    } catch (error) {
      // After a stop this is the reason of the signal, which main may throw: an ordinary end.
      if (!(error instanceof TemporaryError)) throw error
      this.#errors++
      const waitMs = Math.max(this.#backoff.delayMs(this.#streak++), error.waitMs)
      this.logger.warn({ err: error, waitMs: Math.round(waitMs) }, 'a request failed; trying again')
      return { isAtEnd: false, waitMs }
    }
  }

  /** @returns whether this was the end of the list. */
  async #poll(): Promise<boolean> {
    const { url, timeoutMs, token } = this.options
    const { store } = this.context
    const place = store.place(url)
    const page = await fetchPage(url, place, { timeoutMs, token, signal: this.signal })
    if (page === undefined) return true
    // A page that leads to itself, or holds nothing, is the last one, whatever it says.
    const isAtEnd = page.next === null || page.next === place.cursor || page.items.length === 0
    const cursor = page.next ?? place.cursor
    // An etag is that of one page, so it is of no use when the cursor moves on.
    const etag = cursor === place.cursor ? page.etag : undefined
    const items = store.save(url, page.items, { cursor, etag })
    this.#items += items.length
    if (items.length > 0) this.message({ items } satisfies NewItems)
    return isAtEnd
  }
}
