import { formatMs } from '../core/duration.ts'
import { toError } from '../core/errors.ts'
import { after } from '../core/timer.ts'

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Error }

/**
 * Asks something that may be slow or broken. An answer comes within the timeout, whatever happens, and the same
 * question is never asked twice at once: while an old call hangs, nothing is piled upon it.
 */
export class Probe<T> {
  readonly #ask: (signal: AbortSignal) => T | Promise<T>
  readonly #timeoutMs: number
  #asking: Promise<Answer<T>> | undefined

  /** @param ask its signal aborts at the timeout. */
  constructor(ask: (signal: AbortSignal) => T | Promise<T>, timeoutMs: number) {
    this.#ask = ask
    this.#timeoutMs = timeoutMs
  }

  /** Never rejects. While an earlier call is not settled, its answer, be it that it timed out, is given again. */
  answer(): Promise<Answer<T>> {
    this.#asking ??= this.#inTime()
    return this.#asking
  }

  #inTime(): Promise<Answer<T>> {
    const timeout = new AbortController()
    return new Promise((resolve) => {
      const cancel = after(this.#timeoutMs, () => {
        const error = new Error(`no answer within ${formatMs(this.#timeoutMs)}`)
        resolve({ ok: false, error })
        timeout.abort(error)
      })
      void this.#call(timeout.signal).then((answer) => {
        cancel()
        this.#asking = undefined
        resolve(answer)
      })
    })
  }

  async #call(signal: AbortSignal): Promise<Answer<T>> {
    try {
      return { ok: true, value: await this.#ask(signal) }
    } catch (thrown) {
      return { ok: false, error: toError(thrown) }
    }
  }
}
