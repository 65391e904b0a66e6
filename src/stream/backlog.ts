import { Deque } from '../pool/deque.ts'
import { Frame, type FrameKind } from './frame.ts'
import { Gaps } from './gaps.ts'

/** What becomes of a message for which there is no room. */
export type Overflow = 'block' | 'dropNewest' | 'dropOldest' | 'conflate'

/** What waits to be written into a ring. */
export interface Entry {
  kind: FrameKind
  readonly partition: number
  readonly key: string
  readonly token: number
  data: string | Uint8Array
  /** How many messages of this key it took the place of, by conflation. */
  conflated: number
}

/** A message that has to wait. */
export function waitingMessage(
  kind: FrameKind,
  partition: number,
  key: string,
  data: string | Uint8Array,
): Entry {
  // Whoever does not wait may write over its bytes meanwhile. `slice` of a Buffer would be no copy.
  return {
    kind,
    partition,
    key,
    token: 0,
    data: typeof data === 'string' ? data : new Uint8Array(data),
    conflated: 0,
  }
}

export type OnDrop = (of: { readonly partition: number; readonly key: string }) => void

/** How much may wait; several backlogs may share one. */
export interface Room {
  readonly maxMessages: number
  readonly maxBytes: number
  messages: number
  bytes: number
}

export function roomFor(maxMessages: number, maxBytes: number): Room {
  return { maxMessages, maxBytes, messages: 0, bytes: 0 }
}

/**
 * What is routed to where it cannot go yet, in its order, within `room`. What an overflow policy drops is kept as a
 * gap at its place. It knows no ring and no slot.
 */
export class Backlog {
  readonly #overflow: Overflow
  readonly #room: Room
  readonly #entries = new Deque<Entry>()
  /** Conflation: the entry of a key that may still be replaced. */
  readonly #latest = new Map<string, Entry>()
  /** Dropped from the front: told before any entry; and from the end: told after all of them. */
  readonly #before = new Gaps()
  readonly #after = new Gaps()
  /** How many entries were added and have left, ever. */
  #added = 0
  #gone = 0

  constructor(overflow: Overflow, room: Room) {
    this.#overflow = overflow
    this.#room = room
  }

  /** Entries, and gaps that are to be told. */
  get size(): number {
    return this.#entries.size + this.#before.size + this.#after.size
  }

  get added(): number {
    return this.#added
  }

  get gone(): number {
    return this.#gone
  }

  /**
   * Takes a message, or drops one as the policy says.
   * @param onDrop hears of each message that is dropped, by its key and partition.
   * @returns false when it was neither taken nor dropped: the policy is to wait, and too many wait already.
   */
  offer(entry: Entry, onDrop: OnDrop): boolean {
    const size = sizeOf(entry)
    if (this.#overflow === 'block') {
      // One that is larger than all that may wait, waits alone.
      if (!this.#fits(size) && this.#room.messages > 0) return false
    } else if (this.#overflow === 'dropNewest') {
      // Once one was dropped, those behind it are as well, until the gap was told.
      if (this.#after.size > 0 || !this.#fits(size)) {
        this.#after.note(entry.partition, entry.key)
        onDrop(entry)
        return true
      }
    } else if (this.#overflow === 'conflate') {
      const older = this.#latest.get(entry.key)
      if (older !== undefined) {
        this.#room.bytes += size - sizeOf(older)
        onDrop(entry)
        older.kind = entry.kind
        older.data = entry.data
        older.conflated++
        this.#dropOldest(onDrop)
        return true
      }
      this.#latest.set(entry.key, entry)
    }
    this.#push(entry, size)
    if (this.#overflow !== 'block') this.#dropOldest(onDrop)
    return true
  }

  /** Takes what is never dropped: a query, a barrier, a gap, a message that was accepted elsewhere. */
  push(entry: Entry): void {
    // It sees what was routed before it, the gaps included, and no message that came later.
    this.#seal()
    this.#latest.clear()
    this.#push(entry, sizeOf(entry))
  }

  /** Takes all that another one has, behind its own. */
  adopt(other: Backlog): void {
    other.pour((entry) => {
      this.push(entry)
      return true
    })
  }

  /** Hands over the entries in order, gaps among them, until `take` says false. @returns true when none is left. */
  pour(take: (entry: Entry) => boolean): boolean {
    if (!this.#before.drain((dropped) => take(gapEntry(dropped)))) return false
    for (let entry = this.#entries.peek(); entry !== undefined; entry = this.#entries.peek()) {
      if (entry.conflated > 0) {
        if (!take(gapEntry({ ...entry, count: entry.conflated }))) return false
        entry.conflated = 0
      }
      if (!take(entry)) return false
      this.#shift()
    }
    return this.#after.drain((dropped) => take(gapEntry(dropped)))
  }

  #fits(size: number): boolean {
    const { maxMessages, maxBytes, messages, bytes } = this.#room
    return messages < maxMessages && bytes + size <= maxBytes
  }

  #push(entry: Entry, size: number): void {
    this.#entries.push(entry)
    this.#added++
    if (isMessage(entry)) this.#room.messages++
    this.#room.bytes += size
  }

  #shift(): Entry | undefined {
    const entry = this.#entries.shift()
    if (entry === undefined) return undefined
    this.#gone++
    if (isMessage(entry)) this.#room.messages--
    this.#room.bytes -= sizeOf(entry)
    if (this.#latest.get(entry.key) === entry) this.#latest.delete(entry.key)
    return entry
  }

  /** Makes the entries fit again. What is no message, and stands before what is dropped, keeps its place. */
  #dropOldest(onDrop: OnDrop): void {
    const { maxMessages, maxBytes } = this.#room
    const kept: Entry[] = []
    while (this.#room.messages > maxMessages || this.#room.bytes > maxBytes) {
      const oldest = this.#shift()
      if (oldest === undefined) break
      if (isMessage(oldest)) {
        // In front of a query that has to stay, the gap is told a little early.
        this.#before.note(oldest.partition, oldest.key, 1 + oldest.conflated)
        onDrop(oldest)
      } else {
        kept.push(oldest)
      }
    }
    for (const entry of kept.toReversed()) {
      this.#entries.unshift(entry)
      this.#gone--
      this.#room.bytes += sizeOf(entry)
    }
  }

  #seal(): void {
    this.#after.drain((dropped) => {
      const entry = gapEntry(dropped)
      this.#push(entry, sizeOf(entry))
      return true
    })
  }
}

export function isMessage({ kind }: Pick<Entry, 'kind'>): boolean {
  return kind === Frame.text || kind === Frame.bytes
}

function gapEntry({ partition, key, count }: { partition: number; key: string; count: number }): Entry {
  return { kind: Frame.gap, partition, key, token: count, data: '', conflated: 0 }
}

function sizeOf({ key, data }: Entry): number {
  return key.length + (typeof data === 'string' ? Buffer.byteLength(data) : data.length)
}
