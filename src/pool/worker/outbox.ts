import type { Transferable } from 'node:worker_threads'
import { MillhandError } from '../../core/errors.ts'
import { errorToWire } from '../../core/wire-error.ts'
import { Kinship } from '../kinship.ts'
import { DONE, FAILED, LEFT, OUTCOMES, RESULT_WORDS, type FromWorker, type ResultWords } from '../protocol.ts'
import type { ResultRing } from '../result-ring.ts'
import { transferListOf } from '../transfer.ts'

/** What has ended does not wait for longer than this for more to travel with it, ms. */
const MAX_HELD_MS = 0.5
/** The same while a backlog waits at the pool, for longer than anything waits here: then speed is what counts. */
const MAX_HELD_IN_BACKLOG_MS = 2
/** The same for what would be lost with the worker. */
const MAX_RISKED_MS = 0.05
const MAX_RESULTS = 256

export type Post = (message: FromWorker, transfer?: readonly Transferable[]) => void

/** Collects results, so that many short tasks share one message. */
export class Outbox {
  readonly #post: Post
  readonly #ring: ResultRing | undefined
  readonly #onRefused: (number: number, error: Error) => void
  readonly #kinship = new Kinship()
  #results: ResultWords = []
  #transfer: Transferable[] | undefined
  #since = 0
  /** More tasks wait at the pool than it has sent. */
  hasBacklog = false
  /** How many are in the ring of which the pool was not told. */
  #untold = 0

  /** @param onRefused hears of a value of a stream that cannot be copied: the stream has failed. */
  constructor(post: Post, ring: ResultRing | undefined, onRefused: (number: number, error: Error) => void) {
    this.#post = post
    this.#ring = ring
    this.#onRefused = onRefused
  }

  get isEmpty(): boolean {
    return this.#results.length === 0 && this.#untold === 0
  }

  /**
   * The result of a call.
   * @param since when the work of it alone began, on the clock of `performance.now()`.
   * @param now when that ended.
   */
  done(number: number, value: unknown, micros: number, since: number, now: number): void {
    if (this.#ring?.write(number * OUTCOMES + DONE, value, micros) !== true) {
      this.add(number, DONE, value, micros, since, now)
      return
    }
    if (this.isEmpty) this.#since = since
    this.#untold++
    const mostMs = this.hasBacklog ? MAX_HELD_IN_BACKLOG_MS : MAX_HELD_MS
    if (now - this.#since > mostMs || this.#untold >= MAX_RESULTS) this.flush()
  }

  add(number: number, outcome: number, value: unknown, micros: number, since: number, now: number): void {
    if (!this.#kinship.add([value])) {
      this.flush()
      this.#kinship.add([value])
    }
    if (this.isEmpty) this.#since = since
    this.#results.push(number * OUTCOMES + outcome, value, micros)
    const moved = transferListOf(value)
    if (moved !== undefined) (this.#transfer ??= []).push(...moved)
    const isOld = now - this.#since > MAX_RISKED_MS
    if (isOld || this.#results.length >= MAX_RESULTS * RESULT_WORDS) this.flush()
  }

  /** Before what may take long: what would be lost with the worker, or would wait for it for long. */
  flushRisked(): void {
    if (this.#results.length > 0) this.flush()
  }

  flush(): void {
    const results = this.#results
    if (results.length === 0) {
      if (this.#untold > 0) this.#post(LEFT)
      this.#untold = 0
      return
    }
    const transfer = this.#transfer
    this.#results = []
    this.#transfer = undefined
    this.#untold = 0
    this.#kinship.clear()
    try {
      this.#post(results, transfer)
    } catch (thrown) {
      if (results.length > RESULT_WORDS) this.#oneByOne(results)
      else this.#refuse(results, thrown)
    }
  }

  /** One of them cannot be copied: the others are not to suffer. */
  #oneByOne(results: ResultWords): void {
    const refused = new Set<unknown>()
    for (let i = 0; i < results.length; i += RESULT_WORDS) {
      const one = results.slice(i, i + RESULT_WORDS)
      // What a stream yielded after a value that was lost would come as if nothing were missing.
      if (refused.has(numberOf(one))) continue
      try {
        this.#post(one, transferListOf(one[1]))
      } catch (thrown) {
        refused.add(numberOf(one))
        this.#refuse(one, thrown)
      }
    }
  }

  #refuse(result: ResultWords, thrown: unknown): void {
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
    this.#post([number * OUTCOMES + FAILED, errorToWire(error), micros])
    if (outcome !== DONE) this.#onRefused(number, error)
  }
}

function numberOf([head]: readonly unknown[]): number {
  return Math.floor((head as number) / OUTCOMES)
}

function isGenerator(value: unknown): boolean {
  return Object.prototype.toString.call(value).endsWith('Generator]')
}
