import { toError } from '../core/errors.ts'
import { errorToWire } from '../core/wire-error.ts'
import type { Answer } from './control.ts'
import type { ErrorReports } from './error-reports.ts'
import type { Gap } from './gap.ts'
import type { HandlerWatch } from './handler-watch.ts'
import type { KeyEntry } from './key-states.ts'
import { isFailed, readState } from './state-batch.ts'
import type { StreamHooks } from './stream-hooks.ts'
import type { StreamMessage } from './stream-message.ts'
import { Tally } from './worker-stats.ts'

/**
 * Calls what the user wrote, counts it, and keeps its failures from everybody else. Each call gives undefined when it
 * is done, else a promise that never rejects: nothing is allocated for a handler that is synchronous.
 */
export class Handlers<State> {
  readonly tally: Tally = new Tally()
  readonly #hooks: StreamHooks<State>
  readonly #watch: HandlerWatch
  readonly #reports: ErrorReports

  constructor(hooks: StreamHooks<State>, watch: HandlerWatch, reports: ErrorReports) {
    this.#hooks = hooks
    this.#watch = watch
    this.#reports = reports
  }

  message(entry: KeyEntry<State>, message: StreamMessage): Promise<void> | undefined {
    let result: unknown
    try {
      result = this.#hooks.process(message, entry.state)
    } catch (thrown) {
      this.failed(thrown, entry.key, 1)
      return undefined
    }
    if (isThenable(result)) return this.#settled(result, entry.key, message)
    this.tally.messagesProcessed++
    return undefined
  }

  batch(messages: readonly StreamMessage[], states: readonly State[]): Promise<void> | undefined {
    const { key } = messages[0]!
    let result: unknown
    try {
      result = this.#hooks.processBatch!(messages, states)
    } catch (thrown) {
      this.failed(thrown, key, messages.length)
      return undefined
    }
    const count = messages.length
    if (!isThenable(result)) {
      this.tally.messagesProcessed += count
      return undefined
    }
    return this.#watch.watch(result, key, messages[0]).then((error) => this.#count(error, key, count))
  }

  gap(entry: KeyEntry<State>, gap: Gap): Promise<void> | undefined {
    this.tally.gaps++
    return this.#beside(entry.key, () => this.#hooks.onGap(entry.key, gap, entry.state))
  }

  timer(entry: KeyEntry<State>, name: string): Promise<void> | undefined {
    this.tally.timers++
    return this.#beside(entry.key, () => this.#hooks.onTimer(entry.key, name, entry.state))
  }

  evict(entry: KeyEntry<State>): void {
    if (entry.packed !== undefined) void this.unpack(entry)
    this.tally.evicted++
    void this.#beside(entry.key, () => this.#hooks.onEvict(entry.key, entry.state))
  }

  /** @param request what was asked, as JSON. */
  query(
    key: string,
    state: State | undefined,
    request: string,
    answer: (answer: Answer) => void,
  ): Promise<void> | undefined {
    this.tally.queries++
    let result: unknown
    try {
      result = this.#hooks.query(key, request === '' ? undefined : JSON.parse(request), state)
    } catch (thrown) {
      answer({ error: errorToWire(thrown) })
      return undefined
    }
    if (!isThenable(result)) {
      answer({ value: result })
      return undefined
    }
    let value: unknown
    const asked = result.then((found) => {
      value = found
    })
    return this.#watch
      .watch(asked, key, undefined)
      .then((error) => answer(error === undefined ? { value } : { error: errorToWire(error) }))
  }

  /** Makes the state of a key of what came from elsewhere. When that fails it begins anew, and the key is told first. */
  unpack(entry: KeyEntry<State>): Promise<void> | undefined {
    const { key, packed } = entry
    entry.packed = undefined
    if (isFailed(packed!)) {
      // Whoever was granted the key tells it.
      const made = this.init(key)
      if (made !== undefined) entry.state = made.state
      return undefined
    }
    try {
      entry.state = this.#hooks.restore(key, readState(packed!))
      return undefined
    } catch (thrown) {
      this.failed(thrown, key, 0)
      const made = this.init(key)
      if (made === undefined) return undefined
      entry.state = made.state
      return this.gap(entry, { reason: 'restore', count: undefined })
    }
  }

  /** The state of a new key; undefined when the user's code failed, which is told. */
  init(key: string): { readonly state: State } | undefined {
    try {
      return { state: this.#hooks.init(key) }
    } catch (thrown) {
      this.failed(thrown, key, 1)
      return undefined
    }
  }

  /** @param messages how many of them count as failed. */
  failed(thrown: unknown, key: string, messages: number): void {
    const error = toError(thrown)
    this.tally.errors += messages
    this.#reports.add(error, key)
    try {
      this.#hooks.onError(error, key)
    } catch (inner) {
      this.#reports.add(toError(inner), key)
    }
  }

  #settled(result: PromiseLike<unknown>, key: string, message: StreamMessage): Promise<void> {
    return this.#watch.watch(result, key, message).then((error) => this.#count(error, key, 1))
  }

  #count(error: Error | undefined, key: string, messages: number): void {
    if (error === undefined) this.tally.messagesProcessed += messages
    else this.failed(error, key, messages)
  }

  /** What is no message counts as none. */
  #beside(key: string, run: () => unknown): Promise<void> | undefined {
    let result: unknown
    try {
      result = run()
    } catch (thrown) {
      this.failed(thrown, key, 0)
      return undefined
    }
    if (!isThenable(result)) return undefined
    return this.#watch.watch(result, key, undefined).then((error) => {
      if (error !== undefined) this.failed(error, key, 0)
    })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== undefined &&
    value !== null &&
    typeof (value as Partial<PromiseLike<unknown>>).then === 'function'
  )
}
