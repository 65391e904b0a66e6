import type { SourceRecord } from './source.ts'

const FIRST = 64
/** No jump from small records to a batch of large ones is larger than this. */
const GROWTH = 4

/** How many records to ask for, so that about so many bytes come: a store counts records, and memory counts bytes. */
export class BatchSize {
  readonly #most: number
  readonly #bytes: number
  #limit: number

  constructor(most: number, bytes: number) {
    this.#most = most
    this.#bytes = bytes
    this.#limit = Math.min(most, FIRST)
  }

  get limit(): number {
    return this.#limit
  }

  /** What the last asking brought. */
  note(records: readonly SourceRecord[]): void {
    if (records.length === 0) return
    let bytes = 0
    for (const { key, data } of records) bytes += key.length + data.length
    const fitting = Math.floor(this.#bytes / Math.max(1, bytes / records.length))
    this.#limit = Math.max(1, Math.min(this.#most, fitting, this.#limit * GROWTH))
  }
}
