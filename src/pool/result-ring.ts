const SLOTS = 1024
/** Of a slot: which task and how it went, how long it took and of which kind its value is, and the value. */
const WORDS = 3
const HEADER_BYTES = 8
const WRITTEN = 0
const READ = 1

const [NUMBER, UNDEFINED, NULL, TRUE, FALSE] = [0, 1, 2, 3, 4]
const KINDS = 8
const CONSTANTS = [undefined, undefined, null, true, false]

/**
 * Results that a thread leaves in memory which it shares with its pool: numbers, booleans, undefined and null. They
 * cost no message each, and are there from the moment at which they are written, whatever becomes of the thread.
 */
export class ResultRing {
  readonly #slots: Float64Array
  /** How many were written and read, at WRITTEN and READ. */
  readonly #counts: Int32Array
  /** How many this end has written or read. */
  #at = 0

  constructor(memory: SharedArrayBuffer) {
    this.#counts = new Int32Array(memory, 0, 2)
    this.#slots = new Float64Array(memory, HEADER_BYTES)
  }

  static newMemory(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + SLOTS * WORDS * Float64Array.BYTES_PER_ELEMENT)
  }

  /** Called by the thread. @returns false when such a value cannot be left here, or the ring is full. */
  write(head: number, value: unknown, micros: number): boolean {
    const kind = kindOf(value)
    if (kind < 0 || ((this.#at - Atomics.load(this.#counts, READ)) | 0) === SLOTS) return false
    const at = (this.#at & (SLOTS - 1)) * WORDS
    this.#slots[at] = head
    this.#slots[at + 1] = micros * KINDS + kind
    if (kind === NUMBER) this.#slots[at + 2] = value as number
    this.#at = (this.#at + 1) | 0
    Atomics.store(this.#counts, WRITTEN, this.#at)
    return true
  }

  /** Called by the pool, also when the thread is dead. Hands over what was written since the last time. */
  read(take: (head: number, value: unknown, micros: number) => void): void {
    const written = Atomics.load(this.#counts, WRITTEN)
    while (this.#at !== written) {
      const at = (this.#at & (SLOTS - 1)) * WORDS
      this.#at = (this.#at + 1) | 0
      const how = this.#slots[at + 1]!
      const kind = how % KINDS
      const value = kind === NUMBER ? this.#slots[at + 2] : CONSTANTS[kind]
      const head = this.#slots[at]!
      Atomics.store(this.#counts, READ, this.#at)
      take(head, value, (how - kind) / KINDS)
    }
  }
}

function kindOf(value: unknown): number {
  if (typeof value === 'number') return NUMBER
  if (value === undefined) return UNDEFINED
  if (value === null) return NULL
  if (typeof value === 'boolean') return value ? TRUE : FALSE
  return -1
}
