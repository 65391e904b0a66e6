import { Worker as Thread } from 'node:worker_threads'

/** So many commits make it worth a thread; a command that adds a few jobs never starts one. */
const WORTH_COMMITS = 100
/** The log is copied into the database so often at the most. */
const EVERY_MS = 50

/**
 * Copies the log into the database from a thread, because that syncs both files, which takes milliseconds that the
 * event loop should not spend. It does what SQLite would do in the middle of a commit, only elsewhere; should the
 * thread ever end by itself, SQLite does it again.
 *
 * Only for durability `normal`: with `full` each commit has synced the log already, and two that sync at once
 * would wait for each other.
 */
export class Checkpointer {
  readonly #path: string
  readonly #onTakeover: (works: boolean) => void
  #commits = 0
  #thread: Thread | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param onTakeover hears whether the thread does the work from now on. */
  constructor(path: string, onTakeover: (works: boolean) => void) {
    this.#path = path
    this.#onTakeover = onTakeover
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
    thread.once('message', () => this.#onTakeover(true))
    thread.on('error', () => {})
    thread.on('exit', () => {
      if (this.#thread !== thread) return
      // Not started again: SQLite's own checkpoints do as well, only on this loop.
      this.#closed = true
      this.#onTakeover(false)
    })
    return thread
  }
}
