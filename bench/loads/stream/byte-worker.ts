/** Millhand's worker that only takes bytes in. */
import type { StreamMessage } from '../../../src/stream/index.ts'
import { StreamWorker } from '../../millhand.ts'
import { messageNumber } from './byte-messages.ts'
import { Receipts, type Last, type Report } from './receipts.ts'

export interface ByteOptions {
  readonly messages: number
}

export class ByteWorker extends StreamWorker<Last, ByteOptions> {
  static override readonly module: string = import.meta.url
  readonly #receipts: Receipts

  constructor(options: ByteOptions) {
    super(options)
    this.#receipts = new Receipts(options.messages)
  }

  protected override init(): Last {
    return { last: -1 }
  }

  protected override process(message: StreamMessage, state: Last): void {
    this.#receipts.mark(messageNumber(message.bytes()), state)
  }

  protected override query(): Report {
    return this.#receipts.report()
  }
}
