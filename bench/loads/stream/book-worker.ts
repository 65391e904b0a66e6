/** Millhand's worker that holds books. */
import type { StreamMessage } from '../../../src/stream/index.ts'
import { StreamWorker } from '../../millhand.ts'
import { Books, type BooksOptions, type Followed } from './books.ts'
import type { Report } from './receipts.ts'

/** In front of a packed market: the number of the message that was handled last. */
const LAST_BYTES = 8

export class BookWorker extends StreamWorker<Followed, BooksOptions> {
  static override readonly module: string = import.meta.url
  readonly #books: Books

  constructor(options: BooksOptions) {
    super(options)
    this.#books = new Books(options)
  }

  protected override init(key: string): Followed {
    return this.#books.open(key)
  }

  protected override process(message: StreamMessage, state: Followed): void {
    const { data } = message
    if (typeof data === 'string') this.#books.apply(state, data)
    else this.#books.scan(state, data)
  }

  protected override query(): Report {
    return this.#books.report()
  }

  protected override snapshot(_key: string, { market, last }: Followed): Uint8Array {
    const packed = market.pack()
    const bytes = new Uint8Array(LAST_BYTES + packed.byteLength)
    new DataView(bytes.buffer).setFloat64(0, last)
    bytes.set(packed, LAST_BYTES)
    return bytes
  }

  protected override restore(key: string, snapshot: unknown): Followed {
    const bytes = snapshot as Uint8Array
    const last = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
    return this.#books.restore(key, bytes.subarray(LAST_BYTES), last)
  }
}
