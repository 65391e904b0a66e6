import {
  NonRetryableError,
  ProcessWorker,
  type Job,
  type JobContext,
  type KillCause,
  type Worker,
} from 'millhand'
import { hashQueue, type HashQueue } from './hashes.ts'
import { sha256 } from './sha256.ts'

export interface HashCalculatorOptions {
  /** Where the jobs are. */
  readonly db: string
  readonly chunkBytes: number
}

interface Context {
  queue: HashQueue
  hasher: Worker
}

/** What trying again will not change. */
const FINAL = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'ELOOP'])

/** A process that hashes files: it has a queue worker inside, which lives as long as it does. */
export class HashCalculator extends ProcessWorker<HashCalculatorOptions, Context> {
  static override readonly module = import.meta.url

  override get processedCount(): number {
    return this.context.hasher?.processedCount ?? 0
  }

  override get errorCount(): number {
    return this.context.hasher?.errorCount ?? 0
  }

  protected override async setup(): Promise<void> {
    const { name, logger } = this
    this.context.queue = hashQueue(this.options.db, logger)
    // Two at once: one reads while the other computes. A large file may take as long as it needs.
    this.context.hasher = this.context.queue.worker(
      { hash: (job, context) => this.#hash(job, context) },
      // What a process that died had in hand is begun anew by another after the lease.
      { name, logger, concurrency: 2, timeout: 'none', lease: '5s' },
    )
    await this.context.hasher.start()
  }

  /** Ends when it is asked to, or when the queue worker fails: then its error is that of this worker. */
  protected override async main(): Promise<void> {
    const { hasher } = this.context
    this.signal.addEventListener('abort', () => void hasher.stop())
    await hasher.join()
    if (hasher.error !== undefined) throw hasher.error
  }

  protected override async teardown(): Promise<void> {
    await this.context.hasher?.stop()
    await this.context.queue?.close()
  }

  protected override onQuiet(isQuiet: boolean): void {
    if (isQuiet) this.context.hasher.quiet()
    else this.context.hasher.resume()
  }

  /** What it had claimed goes back to the queue, for another process. */
  protected override async onKill(cause: KillCause): Promise<void> {
    await this.context.hasher?.kill(cause)
  }

  async #hash({ payload }: Job<'hash', { path: string }>, { signal, snooze }: JobContext): Promise<unknown> {
    try {
      return await sha256(
        payload.path,
        this.options.chunkBytes,
        // A stop does not wait for the end of a long file: another process, or the next run, begins it anew.
        AbortSignal.any([signal, this.signal]),
      )
    } catch (error) {
      if (this.signal.aborted) return snooze(0)
      const { code = '' } = error as NodeJS.ErrnoException
      throw FINAL.has(code) ? new NonRetryableError((error as Error).message, { cause: error }) : error
    }
  }
}
