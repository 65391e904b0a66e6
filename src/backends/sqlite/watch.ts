import { type FSWatcher, watch as watchFile } from 'node:fs'
import type { Database } from './database.ts'
import type { QueueRow } from './session.ts'

/** Commits that come within this time after one are looked at together. */
const DEBOUNCE_MS = 5
/** How often to look where the system does not tell of changes of the file. */
const POLL_MS = 1000

/**
 * Who wants to hear of which queue. Commits of this process tell at once. Those of others are seen as a change
 * of the write-ahead log: the system tells of it, so idling costs nothing, and whether a queue was meant is
 * then read from its `wake`.
 */
export class Watchers {
  readonly #database: () => Database | undefined
  readonly #hints = new Map<string, Set<() => void>>()
  /** The `wake` of each queue when it was last looked at. */
  readonly #seen = new Map<string, number>()
  readonly #pending = new Set<string>()
  #file: FSWatcher | undefined
  #poll: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #version: unknown

  /** @param database undefined once it is closed. */
  constructor(database: () => Database | undefined) {
    this.#database = database
  }

  watch(queue: string, hint: () => void): () => void {
    if (this.#poll === undefined) this.#begin()
    let hints = this.#hints.get(queue)
    if (hints === undefined) this.#hints.set(queue, (hints = new Set()))
    // Two watchers may bring the same function; each is ended on its own.
    const own = (): void => hint()
    hints.add(own)
    return () => {
      hints.delete(own)
      if (hints.size === 0 && this.#hints.get(queue) === hints) this.#hints.delete(queue)
      if (this.#hints.size === 0) this.#end()
    }
  }

  /** Our own commit woke these. */
  woken(queues: readonly QueueRow[]): void {
    if (this.#hints.size === 0) return
    for (const { name, wake } of queues) {
      this.#seen.set(name, wake)
      this.tell(name)
    }
  }

  close(): void {
    this.#hints.clear()
    this.#end()
  }

  #begin(): void {
    this.#readWakes()
    this.#poll = setInterval(() => this.#lookForChange(), POLL_MS)
    this.#poll.unref()
    const path = this.#database()?.statement('PRAGMA database_list').get()?.[2]
    if (typeof path !== 'string' || path === '') return
    try {
      this.#file = watchFile(`${path}-wal`, { persistent: false }, () => this.#changed())
      this.#file.on('error', () => this.#file?.close())
    } catch {
      // No such service on this system, or no more of it to have: the poll does.
    }
  }

  #end(): void {
    this.#file?.close()
    clearInterval(this.#poll)
    clearTimeout(this.#soon)
    this.#file = undefined
    this.#poll = undefined
    this.#soon = undefined
    this.#seen.clear()
  }

  #changed(): void {
    if (this.#soon !== undefined) return
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      this.#look()
    }, DEBOUNCE_MS)
    this.#soon.unref()
  }

  /** Changes when another connection has committed. */
  #lookForChange(): void {
    try {
      const version = this.#database()?.pragma('data_version')
      if (version === this.#version) return
      this.#version = version
      this.#look()
    } catch {
      // Busy, or in trouble that those who need an answer will hear of. Later, then.
    }
  }

  #look(): void {
    try {
      for (const name of this.#readWakes()) this.tell(name)
    } catch {
      // As above; the poll looks again.
      this.#version = undefined
    }
  }

  /** @returns the queues whose `wake` has grown. */
  #readWakes(): string[] {
    const grown: string[] = []
    for (const [name, wake] of this.#database()?.statement('SELECT name, wake FROM queue').all() ?? []) {
      if (this.#seen.get(name as string) === wake) continue
      this.#seen.set(name as string, wake as number)
      grown.push(name as string)
    }
    return grown
  }

  /** What happens in one tick is told once, after it. */
  tell(queue: string): void {
    if (this.#pending.has(queue) || !this.#hints.has(queue)) return
    this.#pending.add(queue)
    queueMicrotask(() => {
      this.#pending.delete(queue)
      for (const hint of this.#hints.get(queue) ?? []) hint()
    })
  }
}
