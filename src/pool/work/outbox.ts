import type { Transferable } from 'node:worker_threads'
import { MillhandError } from '../../core/errors.ts'
import { errorToWire } from '../../core/wire-error.ts'
import { DONE, FAILED, RESULT_WORDS, type FromWorker } from '../protocol.ts'
import { transferListOf } from '../transfer.ts'

/** What has ended does not wait longer than this for more to travel with it, ms. */
const MAX_AGE_MS = 0.05
const MAX_RESULTS = 256

export type Post = (message: FromWorker, transfer?: readonly Transferable[]) => void

/** Collects results, so that many short tasks share one message, and none waits behind a long one. */
export class Outbox {
  readonly #post: Post
  #results: unknown[] = []
  #transfer: Transferable[] | undefined
  #since = 0

  constructor(post: Post) {
    this.#post = post
  }

  get isEmpty(): boolean {
    return this.#results.length === 0
  }

  /** @param now a moment on the clock of `performance.now()`. */
  add(number: number, outcome: number, value: unknown, micros: number, now: number): void {
    if (this.#results.length === 0) this.#since = now
    this.#results.push(number, outcome, value, micros)
    const moved = transferListOf(value)
    if (moved !== undefined) (this.#transfer ??= []).push(...moved)
    if (now - this.#since > MAX_AGE_MS || this.#results.length >= MAX_RESULTS * RESULT_WORDS) this.flush()
  }

  flush(): void {
    if (this.#results.length === 0) return
    const [results, transfer] = [this.#results, this.#transfer]
    this.#results = []
    this.#transfer = undefined
    try {
      this.#post({ kind: 'results', results }, transfer)
    } catch (thrown) {
      if (results.length > RESULT_WORDS) this.#oneByOne(results)
      else this.#refuse(results, thrown)
    }
  }

  /** One of them cannot be copied: the others are not to suffer. */
  #oneByOne(results: readonly unknown[]): void {
    for (let i = 0; i < results.length; i += RESULT_WORDS) {
      const one = results.slice(i, i + RESULT_WORDS)
      try {
        const value = one[2]
        this.#post({ kind: 'results', results: one }, transferListOf(value))
      } catch (thrown) {
        this.#refuse(one, thrown)
      }
    }
  }

  #refuse([number, outcome, , micros]: readonly unknown[], thrown: unknown): void {
    const what = outcome === DONE ? 'the result of the task' : 'a value of the stream'
    const error = new MillhandError(
      'NOT_COPYABLE',
      `${what} cannot be copied to the pool (${(thrown as Error).message}); return plain data`,
      { cause: thrown },
    )
    this.#post({ kind: 'results', results: [number, FAILED, errorToWire(error), micros] })
  }
}
