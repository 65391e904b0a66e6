import { Worker } from 'millhand'
import { checksumLine } from './checksum-line.ts'
import type { HashQueue } from './hashes.ts'
import { walk, type Entry } from './walk.ts'

export interface HashRunOptions {
  readonly root: string
  readonly queue: HashQueue
  /** Called when all is done, before this worker ends. */
  readonly onEnd: () => void
}

export interface Summary {
  readonly files: number
  readonly symlinks: number
  readonly others: number
  readonly failures: readonly string[]
}

/** What became of one file. */
type Result = { readonly hash: string } | { readonly failure: string }

const STEP = 500

/** Finds the files, has them hashed, and prints the list. One run from beginning to end; not started again. */
export class HashRun extends Worker<HashRunOptions> {
  /** Undefined until the list is printed. */
  summary: Summary | undefined

  protected override async main(): Promise<void> {
    const { root, onEnd } = this.options
    const { files, symlinks, others, failures } = await walk(root, this.signal)
    const results = await this.#hashAll(files)
    if (!this.isRunning) return
    const all = [...failures]
    for (const { path, id } of files) {
      const result = results.get(id)!
      if ('hash' in result) await print(checksumLine(result.hash, path))
      else all.push(`${path}: ${result.failure}`)
    }
    this.summary = { files: files.length, symlinks, others, failures: all }
    onEnd()
  }

  /** Adding a job that is there already changes nothing, so a run goes on where an interrupted one ended. */
  async #hashAll(files: readonly Entry[]): Promise<ReadonlyMap<string, Result>> {
    const results = new Map<string, Result>()
    // What failed the last time is tried again.
    await this.options.queue.dead.replay({})
    let open = files
    // Again, should a result of yesterday be dropped between the add and the look.
    while (open.length > 0 && this.isRunning) {
      for (const some of inSteps(open)) await this.#add(some)
      await this.#idle()
      for (const some of inSteps(open)) await this.#collect(some, results)
      open = open.filter(({ id }) => !results.has(id))
    }
    return results
  }

  async #add(files: readonly Entry[]): Promise<void> {
    this.signal.throwIfAborted()
    const jobs = files.map(({ path, id }) => ({ type: 'hash' as const, payload: { path }, options: { id } }))
    for (const answer of await this.options.queue.addMany(jobs)) {
      if (answer.status === 'rejected') throw answer.error
    }
  }

  /** Waits until nothing is left to hash. */
  async #idle(): Promise<void> {
    do {
      const { waiting, delayed, active } = (await this.options.queue.stats()).counts
      if (waiting + delayed + active === 0) return
    } while (await this.sleep(50))
  }

  async #collect(files: readonly Entry[], results: Map<string, Result>): Promise<void> {
    const ids = files.map(({ id }) => id)
    for (const job of await this.options.queue.list({ ids, states: ['done', 'dead'], limit: STEP })) {
      if (job.state === 'done') results.set(job.id, { hash: String(job.result) })
      else results.set(job.id, { failure: job.error?.message ?? 'unknown' })
    }
  }
}

function* inSteps(files: readonly Entry[]): Generator<readonly Entry[]> {
  for (let i = 0; i < files.length; i += STEP) yield files.slice(i, i + STEP)
}

/** Resolves when the text was taken, however slow the reader is; rejects when there is none any more. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}
