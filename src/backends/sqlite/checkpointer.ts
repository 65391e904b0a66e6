import { Worker as Thread } from 'node:worker_threads'

/** So many commits make it worth a thread; a command that adds a few jobs never starts one. */
const WORTH_COMMITS = 100
/** The log is copied into the database so often at the most. */
const EVERY_MS = 50

/**
 * Copies the log into the database from a thread, because that syncs both files, which takes milliseconds that the
 * event loop should not spend. SQLite still does it in the middle of a commit, whenever the log has grown to its
 * limit, for a log that is long is slow to read; but then most of the work is done, unless the load is extreme.
 *
 * Only for durability `normal`: with `full` each commit has synced the log already, and two that sync at once
 * would wait for each other.
 */
export class Checkpointer {
  readonly #path: string
  #commits = 0
  #thread: Thread | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(path: string) {
    this.#path = path
  }

  /** A transaction was committed. */
  committed(): void {
    if (++this.#commits < WORTH_COMMITS || this.#closed) return
    this.#thread ??= this.#start()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#thread?.postMessage('checkpoint')
    }, EVERY_MS).unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const thread = this.#thread
    this.#thread = undefined
    if (thread === undefined) return
    const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
    thread.ref()
    thread.postMessage('close')
    await exited
  }

  #start(): Thread {
    const entry = import.meta.url.endsWith('.ts') ? './checkpoint-entry.ts' : './checkpoint-entry.js'
    const thread = new Thread(new URL(entry, import.meta.url), {
      workerData: this.#path,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      name: 'millhand-checkpoints',
    })
    thread.unref()
    // Should it ever end by itself, it is not started again: SQLite's own checkpoints do as well.
    thread.on('error', () => {})
    thread.on('exit', () => {
      this.#closed = true
      this.#thread = undefined
    })
    return thread
  }
}
