import { formatMs } from '../core/duration.ts'
import { InvalidOptionError, MillhandError, show, ShutdownError } from '../core/errors.ts'
import { after } from '../core/timer.ts'
import { errorFromWire } from '../core/wire-error.ts'
import type { Answer } from './control.ts'

interface Pending {
  readonly key: string
  readonly request: string
  readonly answered: PromiseWithResolvers<unknown>
  readonly cancel: () => void
}

const LAST_ID = 2 ** 31 - 1

/** Questions to the states of keys that wait for their answers. */
export class Queries {
  readonly #send: (key: string, id: number, request: string) => void
  readonly #pending = new Map<number, Pending>()
  #id = 0

  constructor(send: (key: string, id: number, request: string) => void) {
    this.#send = send
  }

  /** @throws MillhandError REQUEST_TIMEOUT; what the handler threw; InvalidOptionError for a request that is no JSON. */
  ask(key: string, request: unknown, timeoutMs: number): Promise<unknown> {
    const text = textOf(request)
    const id = (this.#id = (this.#id % LAST_ID) + 1)
    const answered = Promise.withResolvers<unknown>()
    this.#send(key, id, text)
    const cancel = after(timeoutMs, () => {
      this.#pending.delete(id)
      const error = new MillhandError(
        'REQUEST_TIMEOUT',
        `the worker of key ${key} did not answer a query within ${formatMs(timeoutMs)}`,
      )
      answered.reject(error)
    })
    this.#pending.set(id, { key, request: text, answered, cancel })
    return answered.promise
  }

  answer(id: number, answer: Answer): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    if ('hasMoved' in answer) return this.#send(pending.key, id, pending.request)
    this.#pending.delete(id)
    pending.cancel()
    if ('error' in answer) pending.answered.reject(errorFromWire(answer.error))
    else pending.answered.resolve(answer.value)
  }

  /** Nobody will answer any more. @param error why; by default since the workers have ended. */
  close(error?: Error): void {
    for (const { answered, cancel, key } of this.#pending.values()) {
      cancel()
      answered.reject(
        error ?? new ShutdownError(`the workers ended before the query of key ${key} was answered`),
      )
    }
    this.#pending.clear()
  }
}

function textOf(request: unknown): string {
  if (request === undefined) return ''
  try {
    const text: unknown = JSON.stringify(request)
    if (typeof text === 'string') return text
  } catch {
    // Told below, as what gives no text at all.
  }
  throw new InvalidOptionError('request', `expected request to be data for JSON, got: ${show(request)}`)
}
