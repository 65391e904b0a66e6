import type { Writable } from 'node:stream'
import { toError } from '../core/errors.ts'

/**
 * A stream that may be closed by whoever reads it, as `head` does. Writing waits until the text was taken, so
 * that nothing is lost at exit; after the reader has gone, writing does nothing and `isClosed` says so.
 */
export class Output {
  readonly #stream: Writable
  #isClosed = false

  constructor(stream: Writable) {
    this.#stream = stream
    // The error that matters comes with the write; without a listener it would end the process as well.
    stream.on('error', () => {})
  }

  /** True when nobody reads any more: what is only there to be read need not be made. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws Error when the text could not be written for another reason than that nobody reads it. */
  async write(text: string): Promise<void> {
    if (this.#isClosed) return
    const error = await new Promise<Error | null | undefined>((resolve) => {
      this.#stream.write(text, resolve)
    }).catch(toError)
    if (!error) return
    this.#isClosed = true
    if (!GONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** What a write fails with when the other end is closed, or we closed it ourselves after that. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'EOF', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'])
