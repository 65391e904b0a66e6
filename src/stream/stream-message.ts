/** One message, as its worker gets it. */
export class StreamMessage {
  readonly key: string
  /** As it was routed. Bytes are a view that is valid until the handler is done: copy what is to stay. */
  readonly data: string | Uint8Array
  /** Its place among the messages of its partition, from 1: it grows, and only the dropped ones leave holes. */
  readonly sequence: number
  /** When it was routed, ms since the epoch. */
  readonly routedAt: number
  #abort: AbortController | undefined

  constructor(key: string, data: string | Uint8Array, sequence: number, routedAt: number) {
    this.key = key
    this.data = data
    this.sequence = sequence
    this.routedAt = routedAt
  }

  /** Aborts when the handler has used up its `timeout`, and when the worker must end before the handler did. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** The data as text. */
  text(): string {
    return typeof this.data === 'string' ? this.data : decoder.decode(this.data)
  }

  /** The data as bytes. */
  bytes(): Uint8Array {
    return typeof this.data === 'string' ? encoder.encode(this.data) : this.data
  }

  /** For whoever runs the handler. */
  static abort(message: StreamMessage, reason: Error): void {
    message.#abort?.abort(reason)
  }
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()
