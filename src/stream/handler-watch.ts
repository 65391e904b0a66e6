import { formatMs } from '../core/duration.ts'
import { MillhandError, toError } from '../core/errors.ts'
import { StreamMessage } from './stream-message.ts'

interface Running {
  readonly key: string
  readonly message: StreamMessage | undefined
  readonly since: number
  readonly end: (error: Error | undefined) => void
}

/** Handlers that run: those that take too long are given up. One timer looks after all of them. */
export class HandlerWatch {
  readonly #timeoutMs: number
  readonly #running = new Set<Running>()
  #timer: NodeJS.Timeout | undefined

  /** @param timeoutMs Infinity for none. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /**
   * Waits for a handler, as long as it may take. Never rejects.
   * @returns what it failed with, or was given up for.
   */
  watch(
    result: PromiseLike<unknown>,
    key: string,
    message: StreamMessage | undefined,
  ): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const running: Running = {
        ...{ key, message, since: performance.now() },
        end: (error) => {
          this.#running.delete(running)
          resolve(error)
        },
      }
      this.#running.add(running)
      result.then(
        () => running.end(undefined),
        (thrown: unknown) => running.end(toError(thrown)),
      )
      if (this.#timeoutMs !== Infinity) this.#timer ??= this.#look()
    })
  }

  /** Tells handlers that still run that they are given up. */
  close(reason: Error): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { message } of this.#running) if (message !== undefined) StreamMessage.abort(message, reason)
  }

  #look(): NodeJS.Timeout {
    const everyMs = Math.min(1000, Math.max(5, this.#timeoutMs / 8))
    return setInterval(() => {
      const now = performance.now()
      for (const running of this.#running) {
        if (now - running.since < this.#timeoutMs) continue
        const error = new MillhandError(
          'JOB_TIMEOUT',
          `the handler of key ${running.key} did not settle within its timeout of ${formatMs(this.#timeoutMs)}: it is given up, and the next message of the key is handled`,
        )
        if (running.message !== undefined) StreamMessage.abort(running.message, error)
        running.end(error)
      }
      if (this.#running.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }, everyMs).unref()
  }
}
