const FIRST_CAPACITY = 16
const REMEMBERED = 16

/** What became of a change that is older than others were. */
export type Late = 'applied' | 'overtaken' | 'undecidable'

/**
 * One side of a book: sizes by rank, the best last, in three flat arrays of numbers. A rank says how good a price is
 * (a bid's is its price, an ask's what is missing from it to 1), so that both sides work the same way.
 *
 * Each level knows when it was changed, and the last levels that were deleted are remembered: a change that comes
 * late, or twice, is weighed against its own level only, and the newer of two decides.
 */
export class Side {
  #ranks: Uint16Array
  #sizes: Float64Array
  #times: Float64Array
  #length = 0
  /** The levels deleted last, as a ring. */
  #goneRanks: Uint16Array | undefined
  #goneTimes: Float64Array | undefined
  #gone = 0
  /** Of the newest deletion that is not remembered any more. */
  #forgottenAt = -1

  /** @param capacity levels for which there is room at first. */
  constructor(capacity: number = FIRST_CAPACITY) {
    this.#ranks = new Uint16Array(capacity)
    this.#sizes = new Float64Array(capacity)
    this.#times = new Float64Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** Of the newest deletion that it has forgotten; -1: none. */
  get forgottenAt(): number {
    return this.#forgottenAt
  }

  /** The best one; 0 when there is none. */
  get bestRank(): number {
    return this.#length === 0 ? 0 : this.#ranks[this.#length - 1]!
  }

  /** The n-th best, from 0. */
  rankAt(n: number): number {
    return this.#ranks[this.#length - 1 - n]!
  }

  sizeAt(n: number): number {
    return this.#sizes[this.#length - 1 - n]!
  }

  timeAt(n: number): number {
    return this.#times[this.#length - 1 - n]!
  }

  /** Sets the size at that rank; 0 deletes the level. What came in order comes here. */
  set(rank: number, size: number, at: number): void {
    const index = this.#indexOf(rank)
    const isThere = index < this.#length && this.#ranks[index] === rank
    if (size === 0) {
      if (isThere) this.#removeAt(index)
      this.#remember(rank, at)
    } else if (isThere) {
      this.#sizes[index] = size
      this.#times[index] = at
    } else this.#insertAt(index, rank, size, at)
  }

  /** As `set`, for a change that is older than the newest of the book. */
  setLate(rank: number, size: number, at: number): Late {
    const index = this.#indexOf(rank)
    const isThere = index < this.#length && this.#ranks[index] === rank
    const changedAt = isThere ? this.#times[index]! : this.goneAt(rank)
    if (changedAt > at) return 'overtaken'
    // It may have been deleted since, and that is forgotten.
    if (!isThere && changedAt < 0 && this.#forgottenAt > at) return 'undecidable'
    this.set(rank, size, at)
    return 'applied'
  }

  /** When a level that is not there was deleted; -1 when that is not known. */
  goneAt(rank: number): number {
    let at = -1
    const [ranks, times] = [this.#goneRanks, this.#goneTimes]
    if (ranks === undefined || times === undefined) return at
    for (let slot = Math.min(this.#gone, REMEMBERED) - 1; slot >= 0; slot--)
      if (ranks[slot] === rank && times[slot]! > at) at = times[slot]!
    return at
  }

  /** Takes over what was changed or deleted in another one after that time. */
  addNewer(other: Side, at: number): void {
    for (let n = other.#length - 1; n >= 0; n--)
      if (other.timeAt(n) > at) this.set(other.rankAt(n), other.sizeAt(n), other.timeAt(n))
    const [ranks, times] = [other.#goneRanks, other.#goneTimes]
    if (ranks === undefined || times === undefined) return
    for (let number = Math.max(0, other.#gone - REMEMBERED); number < other.#gone; number++) {
      const slot = number % REMEMBERED
      if (times[slot]! > at) this.setLate(ranks[slot]!, 0, times[slot]!)
    }
  }

  /** The size at that rank; 0 when there is none. */
  sizeOf(rank: number): number {
    const index = this.#indexOf(rank)
    return index < this.#length && this.#ranks[index] === rank ? this.#sizes[index]! : 0
  }

  /** Whether what was changed at just that time is otherwise in another one. */
  contradicts(other: Side, at: number): boolean {
    for (let n = 0; n < this.#length; n++)
      if (this.timeAt(n) === at && other.sizeOf(this.rankAt(n)) !== this.sizeAt(n)) return true
    const [ranks, times] = [this.#goneRanks, this.#goneTimes]
    if (ranks === undefined || times === undefined) return false
    for (let slot = Math.min(this.#gone, REMEMBERED) - 1; slot >= 0; slot--)
      if (times[slot] === at && other.sizeOf(ranks[slot]!) !== this.sizeOf(ranks[slot]!)) return true
    return false
  }

  /** How many levels differ from those of another one, in size or in being there. */
  differencesTo(other: Side): number {
    let [differences, mine, its] = [0, 0, 0]
    while (mine < this.#length || its < other.#length) {
      const rank = mine < this.#length ? this.rankAt(mine) : -1
      const itsRank = its < other.#length ? other.rankAt(its) : -1
      if (rank !== itsRank || this.sizeAt(mine) !== other.sizeAt(its)) differences++
      if (rank >= itsRank) mine++
      if (itsRank >= rank) its++
    }
    return differences
  }

  /** Writes its levels as numbers, three for each, worst first. @returns where they end. */
  write(numbers: Float64Array, from: number): number {
    let at = from
    for (let n = 0; n < this.#length; n++) {
      numbers[at++] = this.#ranks[n]!
      numbers[at++] = this.#sizes[n]!
      numbers[at++] = this.#times[n]!
    }
    return at
  }

  /** What `write` gave. Deletions are not among them: those up to `at` count as forgotten. */
  static from(numbers: ArrayLike<number>, at: number): Side {
    let capacity = FIRST_CAPACITY
    while (3 * capacity < numbers.length) capacity *= 2
    const side = new Side(capacity)
    for (let n = 0; n + 2 < numbers.length; n += 3)
      side.#append(numbers[n]!, numbers[n + 1]!, numbers[n + 2]!)
    side.#forgottenAt = at
    return side
  }

  /** As `set`; fast for one that is better than those before. */
  #append(rank: number, size: number, at: number): void {
    const length = this.#length
    if (size === 0 || length === this.#ranks.length || (length > 0 && rank <= this.#ranks[length - 1]!))
      return this.set(rank, size, at)
    this.#ranks[length] = rank
    this.#sizes[length] = size
    this.#times[length] = at
    this.#length++
  }

  /** The first index whose rank is not below it. */
  #indexOf(rank: number): number {
    const ranks = this.#ranks
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (ranks[middle]! < rank) low = middle + 1
      else high = middle
    }
    return low
  }

  #insertAt(index: number, rank: number, size: number, at: number): void {
    if (this.#length === this.#ranks.length) this.#grow()
    const ranks = this.#ranks
    const sizes = this.#sizes
    const times = this.#times
    // Changes come near the best price, at the end: a few moves cost less than a call of copyWithin.
    for (let to = this.#length++; to > index; to--) {
      ranks[to] = ranks[to - 1]!
      sizes[to] = sizes[to - 1]!
      times[to] = times[to - 1]!
    }
    ranks[index] = rank
    sizes[index] = size
    times[index] = at
  }

  #removeAt(index: number): void {
    const ranks = this.#ranks
    const sizes = this.#sizes
    const times = this.#times
    this.#length--
    for (let to = index; to < this.#length; to++) {
      ranks[to] = ranks[to + 1]!
      sizes[to] = sizes[to + 1]!
      times[to] = times[to + 1]!
    }
  }

  #remember(rank: number, at: number): void {
    this.#goneRanks ??= new Uint16Array(REMEMBERED)
    this.#goneTimes ??= new Float64Array(REMEMBERED)
    const slot = this.#gone % REMEMBERED
    if (this.#gone >= REMEMBERED) this.#forgottenAt = Math.max(this.#forgottenAt, this.#goneTimes[slot]!)
    this.#goneRanks[slot] = rank
    this.#goneTimes[slot] = at
    this.#gone++
  }

  #grow(): void {
    const capacity = this.#ranks.length * 2
    const [ranks, sizes, times] = [this.#ranks, this.#sizes, this.#times]
    this.#ranks = new Uint16Array(capacity)
    this.#sizes = new Float64Array(capacity)
    this.#times = new Float64Array(capacity)
    this.#ranks.set(ranks)
    this.#sizes.set(sizes)
    this.#times.set(times)
  }
}
