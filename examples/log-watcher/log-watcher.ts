import { createHash } from 'node:crypto'
import { ThreadWorker } from 'millhand'
import { Follower, type Batch } from './follower.ts'
import { matchQueue } from './matches.ts'

export interface LogWatcherOptions {
  readonly path: string
  /** What a line must contain: the source of a regular expression. */
  readonly pattern: string
  /** Where the matches are stored. */
  readonly db: string
  /** Where it notes how far it has read. */
  readonly checkpoint: string
  readonly from: 'start' | 'end'
  /** Ends when it has read what is there. */
  readonly once: boolean
  readonly pollMs: number
  /** A rotated file counts as finished when it has not grown for so long. */
  readonly lingerMs: number
  readonly maxLineBytes: number
}

interface Context {
  queue: ReturnType<typeof matchQueue>
  follower: Follower
  pattern: RegExp
}

/** Follows one log, in a thread of its own, and makes a durable job of every line that matches. */
export class LogWatcher extends ThreadWorker<LogWatcherOptions, Context> {
  static override readonly module = import.meta.url
  #lines = 0

  override get processedCount(): number {
    return this.#lines
  }

  protected override async setup(): Promise<void> {
    const { db, pattern, path } = this.options
    this.context.pattern = new RegExp(pattern)
    this.context.queue = matchQueue(db, this.logger)
    this.context.follower = new Follower({
      ...this.options,
      onGone: ({ offset }) => {
        this.logger.warn(
          { path, offset },
          'a file went away; what came after this offset, if anything, was not read',
        )
      },
    })
    await this.context.follower.open()
  }

  protected override async main(): Promise<void> {
    const { path, once, pollMs } = this.options
    this.logger.info({ path }, 'following')
    while (this.isRunning) {
      // Taking no new work means here: not reading on.
      if (!this.isQuiet) {
        for await (const batch of this.context.follower.poll(this.signal, once)) await this.#store(batch)
        if (once) return
      }
      await this.sleep(pollMs)
    }
  }

  protected override async teardown(): Promise<void> {
    await this.context.follower?.close()
    await this.context.queue?.close()
  }

  /** Resolves when all matches of the batch are stored. The checkpoint moves on only then. */
  async #store({ fileId, lines }: Batch): Promise<void> {
    const { path } = this.options
    const matches = lines.filter(({ text }) => this.context.pattern.test(text))
    const jobs = matches.map(({ start, text, isCut }) => ({
      type: 'match' as const,
      payload: { path, offset: start, line: text, isCut },
      // The same line gets the same id whenever it is read, so reading it again adds nothing.
      options: { id: `${fileId}:${start}:${createHash('sha256').update(text).digest('hex').slice(0, 8)}` },
    }))
    for (const answer of await this.context.queue.addMany(jobs)) {
      if (answer.status === 'rejected') throw answer.error
    }
    this.#lines += lines.length
  }
}
