import { Buffer } from 'node:buffer'

/** A packet that has a type and an id, and nothing else. */
export interface Answer {
  /** The first byte: PUBACK, PUBREC or PUBCOMP. */
  readonly answer: number
  readonly id: number
}

/** Acknowledgements that are due. Those of all that was read at once leave in one write. */
export class Answers<T extends Answer> {
  #due: T[] = []
  #isScheduled = false
  readonly #write: (packets: Uint8Array, answers: readonly T[]) => void

  /** @param write called with the packets of all that were due, in their order. */
  constructor(write: (packets: Uint8Array, answers: readonly T[]) => void) {
    this.#write = write
  }

  get length(): number {
    return this.#due.length
  }

  push(answer: T): void {
    this.#due.push(answer)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.flush())
  }

  /** Writes what is due. */
  flush(): void {
    this.#isScheduled = false
    const due = this.#due
    if (due.length === 0) return
    this.#due = []
    const packets = Buffer.allocUnsafe(4 * due.length)
    let at = 0
    for (const { answer, id } of due) {
      packets[at++] = answer
      packets[at++] = 2
      packets[at++] = id >> 8
      packets[at++] = id & 0xff
    }
    this.#write(packets, due)
  }

  /** Nothing of it is written any more. @returns what was due. */
  clear(): T[] {
    const due = this.#due
    this.#due = []
    return due
  }
}
