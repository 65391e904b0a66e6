import { partitionOf } from './partition.ts'

/** What the router knows of a key that it has seen lately. */
export interface KnownKey {
  readonly key: string
  readonly partition: number
  /** Where it lies in the table: readers keep a table of the same size. */
  readonly place: number
  /** Above 0. Never given to another key at that place. */
  readonly number: number
}

/** Fits into 16 bits. */
export const KEY_PLACES = 16_384
/** Longer keys are not worth the memory. */
const LONGEST = 256
/** Once the table is full, one key in so many that are not in it replaces another. */
const SAMPLE = 16
/** A place whose numbers are used up takes no new key. */
const LAST_NUMBER = 2 ** 31 - 1

/**
 * The keys that were seen lately: a look-up is several times faster than hashing, and a reader that has seen the
 * number of a key does not decode it again. With more keys than places, most are hashed each time, which costs the
 * same however many there are.
 */
export class KeyTable {
  readonly #known = new Map<string, KnownKey>()
  readonly #places: (KnownKey | undefined)[] = []
  #hand = 0
  #missed = 0

  get(key: string): KnownKey | undefined {
    return this.#known.get(key)
  }

  /** The partition of a key that is not in the table. It may be from now on. */
  miss(key: string): number {
    const partition = partitionOf(key)
    const isFull = this.#places.length === KEY_PLACES
    if (key.length <= LONGEST && (!isFull || ++this.#missed % SAMPLE === 0)) this.#keep(key, partition)
    return partition
  }

  #keep(key: string, partition: number): void {
    const place = this.#hand
    const old = this.#places[place]
    this.#hand = (place + 1) % KEY_PLACES
    if (old?.number === LAST_NUMBER) return
    if (old !== undefined) this.#known.delete(old.key)
    // A copy: the key may be a piece of a text that is a thousand times as long, and would keep it.
    const copy = Buffer.from(key).toString()
    // With lone surrogates in it, the copy is another text.
    if (copy !== key) return
    const known = { key: copy, partition, place, number: (old?.number ?? 0) + 1 }
    this.#places[place] = known
    this.#known.set(copy, known)
  }
}

/** The keys that a reader has decoded, by place. */
export class KeyReadings {
  readonly #keys: string[] = Array.from({ length: KEY_PLACES }, () => '')
  readonly #numbers = new Int32Array(KEY_PLACES)

  /** @returns undefined when it was not decoded yet. */
  get(place: number, number: number): string | undefined {
    return this.#numbers[place] === number ? this.#keys[place] : undefined
  }

  set(place: number, number: number, key: string): void {
    this.#keys[place] = key
    this.#numbers[place] = number
  }
}
