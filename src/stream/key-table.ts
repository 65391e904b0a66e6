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
/** Look-ups after which it is judged anew whether the table is of use. */
const WINDOW = 1024
/** When most keys are not in the table, only one in so many is looked up, */
const SAMPLE = 16
/** and of those that are not found, one in so many replaces another one. */
const REPLACE = 8
/** A place whose numbers are used up takes no new key. */
const LAST_NUMBER = 2 ** 31 - 1

/**
 * The keys that were seen lately: a look-up is several times faster than hashing, and a reader that has seen the
 * number of a key does not decode it again. With many more keys than places, a look-up is mostly in vain: then keys
 * are hashed each time, which costs the same however many there are.
 */
export class KeyTable {
  readonly #known = new Map<string, KnownKey>()
  readonly #places: (KnownKey | undefined)[] = []
  #hand = 0
  /** Keys to pass before the next look-up; and how often keys were looked up, found and missed, in this window. */
  #skip = 0
  #lookUps = 0
  #found = 0
  #missed = 0
  #isOfUse = true

  /** @returns undefined for most keys that it does not know, and for some that it does: then call `miss`. */
  get(key: string): KnownKey | undefined {
    if (!this.#isOfUse && --this.#skip > 0) return undefined
    this.#skip = SAMPLE
    const known = this.#known.get(key)
    if (known !== undefined) this.#found++
    if (++this.#lookUps === WINDOW) this.#judge()
    return known
  }

  /** The partition of a key that `get` did not find. It may from now on. */
  miss(key: string): number {
    const partition = partitionOf(key)
    // It was looked up just now, and is not in the table.
    const isMissing = this.#isOfUse || this.#skip === SAMPLE
    if (!isMissing || key.length > LONGEST) return partition
    if (this.#known.size < KEY_PLACES || ++this.#missed % REPLACE === 0) this.#keep(key, partition)
    return partition
  }

  #judge(): void {
    this.#isOfUse = this.#found > WINDOW / 2 || this.#known.size < KEY_PLACES
    this.#lookUps = 0
    this.#found = 0
  }

  #keep(key: string, partition: number): void {
    // A copy: the key may be a piece of a text that is a thousand times as long, and would keep it.
    const copy = Buffer.from(key).toString()
    // With lone surrogates in it, the copy is another text.
    if (copy !== key) return
    const place = this.#hand
    const old = this.#places[place]
    this.#hand = (place + 1) % KEY_PLACES
    if (old?.number === LAST_NUMBER) return
    if (old !== undefined) this.#known.delete(old.key)
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
