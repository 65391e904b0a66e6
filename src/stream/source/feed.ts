import type { Duration } from '../../core/duration.ts'
import { checkOwnOptions, custom, duration } from '../../core/options.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { WorkerOptions } from '../../worker/worker-options.ts'
import { Worker } from '../../worker/worker.ts'
import { FeedConsumer } from './feed-consumer.ts'
import type { FeedTarget } from './feed-target.ts'
import type { StreamSource } from './source.ts'

export interface StreamFeedOptions extends WorkerOptions {
  /** What to read: `redisStream(url, { name: 'prices' }).source()`. */
  readonly source: StreamSource
  /** Who handles it: a StreamGroup. */
  readonly target: FeedTarget
  /** At a stop: what is not done by then is left to other processes, which do it again. Default: 20 s. */
  readonly drainTimeout?: Duration
}

const FORGET_MS = 1_000
/** An error that lasts is logged so often. */
const SAME_ERROR_MS = 30_000

const RULES = {
  source: custom<StreamSource>('a source', has('start', 'commit')),
  target: custom<FeedTarget>('a StreamGroup', has('route', 'settled', 'forget', 'gap')),
  drainTimeout: duration({ default: '20s' }),
}

/**
 * Feeds a group from a stream that this process shares with others, on this machine or elsewhere:
 *
 *     const books = new StreamGroup(BookWorker, { replicas: 4 })
 *     const source = redisStream('redis://localhost:6379', { name: 'prices' }).source()
 *     await new Server().add(books).add(new StreamFeed({ source, target: books })).runForever()
 *
 * A message is committed when its handler is done with it. A stop drains what was read, so the feed is to be added to
 * a server after its group: it is stopped before it.
 */
export class StreamFeed extends Worker<StreamFeedOptions> {
  readonly #source: StreamSource
  readonly #target: FeedTarget
  readonly #drainTimeoutMs: number
  #failure = Promise.withResolvers<never>()
  #consumer: FeedConsumer | undefined
  #unsubscribe: () => void = () => {}
  #before = 0
  #refused = 0

  /** @throws InvalidOptionError naming the option. */
  constructor(options: StreamFeedOptions) {
    super(options)
    const checked = checkOwnOptions('StreamFeed', RULES, options)
    this.#source = checked.source
    this.#target = checked.target
    this.#drainTimeoutMs = checked.drainTimeout
  }

  /** Messages read and routed, of all lives. */
  override get processedCount(): number {
    return this.#before + (this.#consumer === undefined ? 0 : this.#source.status().recordsRead)
  }

  /** Messages that the group could never take: too large. */
  override get errorCount(): number {
    return this.#refused
  }

  protected override async setup(): Promise<void> {
    this.#failure = Promise.withResolvers()
    // It may fail before main looks.
    this.#failure.promise.catch(() => {})
    const { logger } = this
    const source = this.#source
    const consumer = new FeedConsumer({
      source,
      target: this.#target,
      onRefused: ({ key, offset }, err) => {
        this.#refused++
        logger.warn(
          { err, key: key.slice(0, 200), offset },
          'a message is left out: the group cannot take it',
        )
      },
      onFailure: (error) => this.#failure.reject(error),
    })
    this.#unsubscribe = this.#report()
    await source.start(consumer)
    this.#consumer = consumer
  }

  protected override async main(): Promise<void> {
    const stopped = Promise.withResolvers<void>()
    this.signal.addEventListener('abort', () => stopped.resolve(), { once: true })
    if (this.signal.aborted) stopped.resolve()
    await Promise.race([stopped.promise, this.#failure.promise])
  }

  protected override async teardown(): Promise<void> {
    const consumer = this.#consumer
    if (consumer !== undefined) {
      this.#before = this.processedCount
      this.#consumer = undefined
      await this.#source.stop({ timeout: this.#drainTimeoutMs })
      // With all drained it is done at once; what hangs is not waited for a second time.
      await settledWithin(consumer.close(), FORGET_MS)
    }
    this.#unsubscribe()
  }

  /** Logs what befalls the source. @returns the function that ends it. */
  #report(): () => void {
    const { logger } = this
    const { events, name: source } = this.#source
    let told = { text: '', at: -Infinity }
    const ends = [
      events.on('error', ({ error: err }) => {
        const now = performance.now()
        // Each shard tries by itself: they would all say so again and again.
        if (err.message === told.text && now - told.at < SAME_ERROR_MS) return
        told = { text: err.message, at: now }
        logger.warn({ err, source }, 'the source has trouble')
      }),
      events.on('gap', ({ shard, lost }) =>
        logger.warn({ source, shard, lost }, 'messages were dropped before they were read'),
      ),
      events.on('removed', ({ shard, why }) => {
        if (why === 'lost')
          logger.warn(
            { source, shard },
            'a shard was lost: what is not committed is done again by its next owner',
          )
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }
}

function has(...names: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function')
}
