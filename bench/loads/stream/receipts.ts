/** What a worker has to say in the end. */
export interface Report {
  /** How often each message was handled. */
  readonly counts: Uint8Array
  /** Messages of a key that were handled after a later one. */
  readonly outOfOrder: number
  /** When each was handled, ms on the clock of `sharedMs`; empty unless that was asked for. */
  readonly handledAt: Float64Array
}

/** Of a key: the number of the message that was handled last. */
export interface Last {
  last: number
}

export interface ReceiptOptions {
  /** Note when each was handled. */
  readonly timed?: boolean
  /** In memory that several threads share, which all of them write. */
  readonly shared?: Pick<Report, 'counts' | 'handledAt'>
}

/** Which messages a worker has handled, by their numbers, and whether each key's came in order. */
export class Receipts {
  readonly #counts: Uint8Array
  readonly #handledAt: Float64Array
  #outOfOrder = 0

  constructor(messages: number, { timed = false, shared }: ReceiptOptions = {}) {
    this.#counts = shared?.counts ?? new Uint8Array(messages)
    this.#handledAt = shared?.handledAt ?? new Float64Array(timed ? messages : 0)
  }

  mark(n: number, key: Last): void {
    this.#counts[n]!++
    if (n <= key.last) this.#outOfOrder++
    key.last = n
    if (this.#handledAt.length > 0) this.#handledAt[n] = sharedMs()
  }

  report(): Report {
    return { counts: this.#counts, outOfOrder: this.#outOfOrder, handledAt: this.#handledAt }
  }
}

/** ms of the monotonic clock that all threads and processes of the machine share. */
export function sharedMs(): number {
  return performance.now() + TO_SHARED_MS
}

/** What is missing from `performance.now()` of this thread to it. */
export const TO_SHARED_MS: number = offset()

/** Between two looks the thread may have to wait, and then they lie too far apart: the closest of many count. */
function offset(): number {
  let most = -Infinity
  for (let look = 0; look < 1000; look++) {
    most = Math.max(most, Number(process.hrtime.bigint()) / 1e6 - performance.now())
  }
  return most
}
