import { closeSync, fdatasync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { now } from './clock.ts'

/**
 * What a worker process notes of a run of a job: `start`, before anything is done; `end`, when the work is done;
 * `return`, when the handler hands over to the queue; `settle`, when the store has acknowledged that; `abort`, when the handler's signal aborted; `stale`, when
 * the queue reported that a settle came too late.
 */
export const MARKS = ['start', 'end', 'return', 'settle', 'abort', 'stale'] as const
export type Mark = (typeof MARKS)[number]

/**
 * What one worker process did, written by its jobs themselves and outside of the queue: a file that only grows,
 * a line a mark, `MARK JOB TOKEN PID TIME`.
 *
 * A line that was written outlives the process at once, since it is the system's by then; `durable` makes it
 * outlive the machine as well. Many lines that come during one wait for the disk share the next.
 */
export class Ledger {
  readonly #fd: number
  #syncing: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** @param life which worker process of the run this is; names the file. */
  constructor(folder: string, life: number) {
    this.#fd = openSync(join(folder, `${life}${LEDGER_FILE}`), 'a')
  }

  note(mark: Mark, job: number, token = '-'): void {
    writeSync(this.#fd, `${mark} ${job} ${token} ${process.pid} ${now().toFixed(3)}\n`)
  }

  /** Resolves when all that is noted by now is on the disk. */
  durable(): Promise<void> {
    if (this.#syncing === undefined) return (this.#syncing = this.#sync())
    // What is under way may have begun before the last line.
    this.#next ??= this.#syncing.then(() => {
      this.#next = undefined
      return (this.#syncing = this.#sync())
    })
    return this.#next
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        if (this.#next === undefined) this.#syncing = undefined
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  close(): void {
    closeSync(this.#fd)
  }
}

export const LEDGER_FILE = '.ledger'
