/** Millhand's worker that holds books. */
import type { StreamMessage } from '../../../src/stream/index.ts'
import { StreamWorker } from '../../millhand.ts'
import { Books, type BooksOptions, type Followed } from './books.ts'
import type { Report } from './receipts.ts'

/** The state of a key as it moves between workers. */
interface Packed {
  readonly market: Uint8Array
  readonly last: number
}

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
    this.#books.apply(state, message.text())
  }

  protected override query(): Report {
    return this.#books.report()
  }

  protected override snapshot(_key: string, { market, last }: Followed): Packed {
    return { market: market.pack(), last }
  }

  protected override restore(key: string, snapshot: unknown): Followed {
    const { market, last } = snapshot as Packed
    return this.#books.restore(key, market, last)
  }
}
