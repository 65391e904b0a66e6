import { StreamWorker, type Gap, type StreamMessage } from 'millhand/stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { SequenceLedger } from './sequence-ledger.ts'

/** What a worker knows of a key, whose messages are numbers that count up from 1. */
export interface Seen {
  last: number
  /** It was told of a gap after that. */
  isGapped: boolean
}

export interface RecordedOptions {
  /** Folder of the ledgers. */
  readonly ledgers: string
}

/** Of messages whose number has this remainder the handler takes a moment, and others go on beside it. */
const SLOW = { oneIn: 40, ms: 2 }

/** Notes each message with what the state of its key had seen before, in a ledger outside of the stream. */
export class RecordedWorker extends StreamWorker<Seen, RecordedOptions> {
  static override readonly module: string = import.meta.url
  #ledger: SequenceLedger | undefined

  protected override setup(): void {
    this.#ledger = new SequenceLedger(this.options.ledgers)
  }

  protected override teardown(): void {
    this.#ledger?.close()
  }

  protected override init(): Seen {
    return { last: 0, isGapped: false }
  }

  protected override process(message: StreamMessage, state: Seen): void | Promise<void> {
    const { key } = message
    const n = Number(message.text())
    if (n % SLOW.oneIn !== 0) return this.#handle(key, n, state)
    return sleep(SLOW.ms).then(() => this.#handle(key, n, state))
  }

  protected override onGap(_key: string, _gap: Gap, state: Seen): void {
    state.isGapped = true
  }

  #handle(key: string, n: number, state: Seen): void {
    this.#ledger!.note(key, n, state.last, state.isGapped)
    state.last = n
    state.isGapped = false
  }
}
