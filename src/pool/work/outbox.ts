import type { Transferable } from 'node:worker_threads'
import { MillhandError } from '../../core/errors.ts'
import { errorToWire } from '../../core/wire-error.ts'
import { Kinship } from '../kinship.ts'
import { DONE, FAILED, OUTCOMES, RESULT_WORDS, type FromWorker } from '../protocol.ts'
import { transferListOf } from '../transfer.ts'

/** What has ended does not wait for more to travel with it when so much time went into what is there, ms. */
const MAX_AGE_MS = 0.05
const MAX_RESULTS = 256

export type Post = (message: FromWorker, transfer?: readonly Transferable[]) => void

/** Collects results, so that many short tasks share one message, and none waits behind a long one. */
export class Outbox {
  readonly #post: Post
  readonly #onRefused: (number: number, error: Error) => void
  #results: unknown[] = []
  #transfer: Transferable[] | undefined
  readonly #kinship = new Kinship()
  #since = 0

  /** @param onRefused hears of a value of a stream that cannot be copied: the stream has failed. */
  constructor(post: Post, onRefused: (number: number, error: Error) => void) {
    this.#post = post
    this.#onRefused = onRefused
  }

  get isEmpty(): boolean {
    return this.#results.length === 0
  }

  /** `startedAt` and `now` are moments on the clock of `performance.now()`. */
  add(number: number, outcome: number, value: unknown, startedAt: number, now: number): void {
    if (isObject(value) && !this.#kinship.add([value])) {
      this.flush()
      this.#kinship.add([value])
    }
    if (this.#results.length === 0) this.#since = startedAt
    this.#results.push(number * OUTCOMES + outcome, value, Math.round((now - startedAt) * 1000))
    const moved = transferListOf(value)
    if (moved !== undefined) (this.#transfer ??= []).push(...moved)
    if (now - this.#since > MAX_AGE_MS || this.#results.length >= MAX_RESULTS * RESULT_WORDS) this.flush()
  }

  flush(): void {
    if (this.#results.length === 0) return
    const [results, transfer] = [this.#results, this.#transfer]
    this.#results = []
    this.#transfer = undefined
    this.#kinship.clear()
    try {
      this.#post({ kind: 'results', results }, transfer)
    } catch (thrown) {
      if (results.length > RESULT_WORDS) this.#oneByOne(results)
      else this.#refuse(results, thrown)
    }
  }

  /** One of them cannot be copied: the others are not to suffer. */
  #oneByOne(results: readonly unknown[]): void {
    const refused = new Set<unknown>()
    for (let i = 0; i < results.length; i += RESULT_WORDS) {
      const one = results.slice(i, i + RESULT_WORDS)
      // What a stream yielded after a value that was lost would come as if nothing were missing.
      if (refused.has(numberOf(one))) continue
      try {
        this.#post({ kind: 'results', results: one }, transferListOf(one[1]))
      } catch (thrown) {
        refused.add(numberOf(one))
        this.#refuse(one, thrown)
      }
    }
  }

  #refuse(result: readonly unknown[], thrown: unknown): void {
    const [head, value, micros] = result
    const number = numberOf(result)
    const outcome = (head as number) % OUTCOMES
    const what = outcome === DONE ? 'the result of the task' : 'a value of the stream'
    const advice = isGenerator(value)
      ? 'it is a generator: call the function with pool.stream()'
      : 'return plain data, or list what is to move with transfer()'
    const error = new MillhandError(
      'NOT_COPYABLE',
      `${what} cannot be copied to the pool (${(thrown as Error).message}); ${advice}`,
      { cause: thrown },
    )
    this.#post({ kind: 'results', results: [number * OUTCOMES + FAILED, errorToWire(error), micros] })
    if (outcome !== DONE) this.#onRefused(number, error)
  }
}

function numberOf([head]: readonly unknown[]): number {
  return Math.floor((head as number) / OUTCOMES)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isGenerator(value: unknown): boolean {
  return Object.prototype.toString.call(value).endsWith('Generator]')
}
