import { builtin } from '../core/builtin.ts'

/** States of some keys of one partition on their way to another worker or into the store: one piece of bytes. */
export interface StateBatch {
  readonly partition: number
  readonly keys: readonly string[]
  /** At which sequence of the partition the state of each key stands. */
  readonly sequences: readonly number[]
  /** Where in the bytes the state of each key ends; that of a key that is gone is empty. */
  readonly ends: readonly number[]
  readonly bytes: Uint8Array
  /** Timers: index of the key, name, and when, ms since the epoch. */
  readonly timers: readonly (readonly [index: number, name: string, dueAt: number])[]
}

/** What kind of value a state is; its first byte. Nothing at all is a key that is gone. */
const BYTES = 0
const TEXT = 1
const CLONED = 2
/** The state could not be written. */
const FAILED = 3

const MIN_ROOM = 4096
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Collects states into batches. */
export class BatchWriter {
  readonly #partition: number
  #keys: string[] = []
  #sequences: number[] = []
  #ends: number[] = []
  #timers: [number, string, number][] = []
  #room = new Uint8Array(MIN_ROOM)
  #used = 0

  constructor(partition: number) {
    this.#partition = partition
  }

  get bytes(): number {
    return this.#used
  }

  get count(): number {
    return this.#keys.length
  }

  /**
   * @param state undefined for a key that is gone.
   * @throws when the state cannot be copied; nothing is added then.
   */
  add(key: string, sequence: number, state: unknown, timers?: ReadonlyMap<string, number>): void {
    if (state !== undefined) this.#write(state)
    this.#end(key, sequence, timers)
  }

  /** A state that was never made since it was written. */
  addPacked(
    key: string,
    sequence: number,
    packed: Uint8Array,
    timers: ReadonlyMap<string, number> | undefined,
  ): void {
    this.#reserve(packed.byteLength)
    this.#room.set(packed, this.#used)
    this.#used += packed.byteLength
    this.#end(key, sequence, timers)
  }

  /** A key whose state cannot be had: where it arrives, that is told as a gap. */
  addFailed(key: string, sequence: number): void {
    this.#reserve(1)
    this.#room[this.#used++] = FAILED
    this.#end(key, sequence, undefined)
  }

  #end(key: string, sequence: number, timers: ReadonlyMap<string, number> | undefined): void {
    const index = this.#keys.push(key) - 1
    this.#sequences.push(sequence)
    this.#ends.push(this.#used)
    if (timers !== undefined) for (const [name, dueAt] of timers) this.#timers.push([index, name, dueAt])
  }

  /** What was added since the last one. */
  take(): StateBatch {
    const batch = {
      partition: this.#partition,
      keys: this.#keys,
      sequences: this.#sequences,
      ends: this.#ends,
      // A copy, since what is behind a view would cross as a whole.
      bytes: this.#room.slice(0, this.#used),
      timers: this.#timers,
    }
    this.#keys = []
    this.#sequences = []
    this.#ends = []
    this.#timers = []
    this.#used = 0
    return batch
  }

  #write(state: unknown): void {
    if (state instanceof Uint8Array) return this.#put(BYTES, state)
    if (typeof state === 'string') {
      this.#reserve(state.length * 3 + 1)
      this.#room[this.#used++] = TEXT
      this.#used += encoder.encodeInto(state, this.#room.subarray(this.#used)).written
      return
    }
    this.#put(CLONED, builtin.v8.serialize(state))
  }

  #put(kind: number, bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength + 1)
    this.#room[this.#used++] = kind
    this.#room.set(bytes, this.#used)
    this.#used += bytes.byteLength
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#room.byteLength) return
    const room = new Uint8Array(Math.max(this.#room.byteLength * 2, this.#used + bytes))
    room.set(this.#room.subarray(0, this.#used))
    this.#room = room
  }
}

export function isFailed(bytes: Uint8Array): boolean {
  return bytes[0] === FAILED
}

export function isGone(bytes: Uint8Array): boolean {
  return bytes.byteLength === 0
}

/** The state that was written as these bytes. @throws when it could not be written, or is damaged. */
export function readState(bytes: Uint8Array): unknown {
  if (bytes[0] === FAILED) throw new Error('the state could not be written where it comes from')
  const rest = bytes.subarray(1)
  if (bytes[0] === BYTES) return rest.slice()
  if (bytes[0] === TEXT) return decoder.decode(rest)
  return builtin.v8.deserialize(rest)
}

/** The bytes of the state of one key of a batch: a view. */
export function stateBytes({ ends, bytes }: StateBatch, index: number): Uint8Array {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index])
}
