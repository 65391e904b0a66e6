import { Notice } from './control.ts'
import { FrameEnds } from './frame-ends.ts'
import type { FrameReader } from './frame-reader.ts'
import { Frame } from './frame.ts'
import type { Gap } from './gap.ts'
import type { Step } from './key-lanes.ts'
import type { KeyEntry, PartitionStates } from './key-states.ts'
import type { LifeParts } from './life-parts.ts'
import { MessageBatch } from './message-batch.ts'
import { monotonicMs } from './monotonic-ms.ts'
import { StreamMessage } from './stream-message.ts'

/** So long the event loop is kept at a time, ms. */
const TURN_MS = 4
/** The clock is looked at after so many frames. */
const LOOK_EVERY = 8

/** What ended a turn: there is nothing to read, enough time was used, or more is in hand than may be. */
export type TurnEnd = 'empty' | 'time' | 'full'

/**
 * Reads the frames of a slot and has them handled. A message whose key has none in hand and whose handler is
 * synchronous, as most are, goes straight through `#message`: nothing is made for it but the message itself.
 */
export class FrameLoop<State> {
  readonly #reader: FrameReader
  readonly #parts: LifeParts<State>
  readonly #ends: FrameEnds<State>
  /** Of a worker that takes its messages in batches. */
  readonly #batch: MessageBatch<State> | undefined
  /** Turns the clock of the ring into the time of day. */
  readonly #dayOffset = Date.now() - monotonicMs()
  #turnAt = 0

  /** @param careful so many frames are committed one by one. */
  constructor(reader: FrameReader, parts: LifeParts<State>, careful: number) {
    const { settings, lanes, outlet, hooks, handlers } = parts
    this.#reader = reader
    this.#parts = parts
    this.#ends = new FrameEnds(reader, lanes, outlet, settings.concurrency === 1, careful)
    if (hooks.processBatch !== undefined) {
      this.#batch = new MessageBatch(reader, handlers, this.#ends, settings.batchSize)
    }
  }

  /** Frames are committed one by one, since the life before this one crashed. */
  get isCareful(): boolean {
    return this.#ends.isCareful
  }

  /** Reads for some time. @returns why it ended, or what has to be waited for before it goes on. */
  turn(): TurnEnd | Promise<void> {
    this.#turnAt = performance.now()
    const end = this.#turnAt + TURN_MS
    const due = this.#dueTimers()
    if (due !== undefined) return due
    const { outlet, lanes } = this.#parts
    for (let frames = 1; !outlet.isFull && !lanes.isFull; frames++) {
      if (!this.#reader.next()) return this.#batch?.end() ?? 'empty'
      const pending = this.#frame()
      if (pending !== undefined) return pending
      if (this.#ends.isCareful) return this.#batch?.end() ?? 'time'
      if (frames % LOOK_EVERY === 0 && performance.now() >= end) return this.#batch?.end() ?? 'time'
    }
    return this.#batch?.end() ?? 'full'
  }

  /** Keys of the partition are still to be told something; see `FrameEnds.open`. */
  open(partition: PartitionStates<State>, sequence: number): () => void {
    return this.#ends.open(partition, sequence)
  }

  /** Tells a key of a gap, in its turn, then calls `onTold`. @returns what the loop has to wait for. */
  tell(entry: KeyEntry<State>, gap: Gap, onTold: () => void): Promise<void> | undefined {
    const step = (): Promise<void> | undefined =>
      afterThat(this.#touch(entry, entry.sequence), () => this.#parts.handlers.gap(entry, gap))
    return this.#ends.beside(entry, step, onTold)
  }

  /** Tells all keys of a partition that have a state. @param onTold called when the last of them was told. */
  tellAll(partition: PartitionStates<State>, gap: Gap, onTold: () => void): Promise<void> | undefined {
    let last: Promise<void> | undefined
    let untold = 1
    const told = (): void => {
      if (--untold === 0) onTold()
    }
    for (const entry of partition.keys.values()) {
      untold++
      if (last === undefined) last = this.tell(entry, gap, told)
      else last = last.then(() => this.tell(entry, gap, told))
    }
    told()
    return last
  }

  /** The present frame is the one that lives of this slot have died of. @returns what has to be waited for. */
  skip(): Promise<void> | undefined {
    const reader = this.#reader
    if (reader.kind !== Frame.text && reader.kind !== Frame.bytes) return this.#other()
    const partition = this.#parts.states.get(reader.partition)
    if (partition === undefined) return this.#ends.commit()
    partition.sequence = Math.max(partition.sequence, reader.sequence)
    const entry = partition.keys.get(reader.key) ?? this.#admit(partition, reader.key)
    this.#ends.commit()
    if (entry === undefined) return undefined
    return this.tell(entry, { reason: 'poison', count: 1 }, this.open(partition, reader.sequence))
  }

  #dueTimers(): Promise<void> | undefined {
    const { timers, handlers } = this.#parts
    for (let due = timers.take(); due !== undefined; due = timers.take()) {
      const { partition, entry, name } = due
      const step = (): Promise<void> | undefined => {
        // What was before it in the turn of its key may have set it anew.
        if (!timers.start(due)) return undefined
        return afterThat(this.#touch(entry, entry.sequence), () => handlers.timer(entry, name))
      }
      const pending = this.#ends.beside(entry, step, this.open(partition, partition.sequence + 1))
      if (pending !== undefined) return pending
    }
    return undefined
  }

  #frame(): Promise<void> | undefined {
    const { kind } = this.#reader
    if (kind === Frame.text || kind === Frame.bytes) return this.#message()
    const before = this.#batch?.end()
    return before === undefined ? this.#other() : before.then(() => this.#other())
  }

  #message(): Promise<void> | undefined {
    const reader = this.#reader
    const { sequence, key } = reader
    const { states, handlers, outlet } = this.#parts
    const partition = states.get(reader.partition)
    // Of a partition that another slot has: it was released here, and the life that did it died before it committed.
    if (partition === undefined) return this.#ends.commit()
    if (sequence <= partition.replayUntil && partition.hasSeen(key, sequence))
      return this.#replayed(partition)
    partition.sequence = sequence
    const known = partition.keys.get(key)
    const entry = known ?? this.#admit(partition, key)
    if (entry === undefined) return this.#ends.commit()
    const data = reader.kind === Frame.text ? reader.text() : reader.bytes()
    const message = new StreamMessage(key, data, sequence, reader.routedAt + this.#dayOffset)
    if (known === undefined && partition.lost !== undefined) {
      return this.#afterGap(partition, entry, message, partition.lost)
    }
    if (this.#batch !== undefined) {
      const told = this.#touch(entry, sequence)
      if (told === undefined) return this.#batch.add(partition, entry, message)
      entry.inHand++
      return told.then(() => {
        entry.inHand--
        return this.#batch?.add(partition, entry, message)
      })
    }
    if (entry.inHand > 0)
      return this.#ends.run(partition, entry, sequence, () => this.#handle(entry, message))
    const told = this.#touch(entry, sequence)
    if (told !== undefined) {
      const handled = told.then(() => handlers.message(entry, message))
      return this.#ends.begun(partition, entry, sequence, handled)
    }
    const { emitted } = outlet
    const pending = handlers.message(entry, message)
    if (pending !== undefined) return this.#ends.begun(partition, entry, sequence, pending)
    if (outlet.emitted === emitted) return this.#ends.commit()
    this.#ends.release(reader.hold())
    return undefined
  }

  /** The first message of a key of which messages may be missing. */
  #afterGap(
    partition: PartitionStates<State>,
    entry: KeyEntry<State>,
    message: StreamMessage,
    reason: Gap['reason'],
  ): Promise<void> | undefined {
    const { handlers } = this.#parts
    const step = (): Promise<void> | undefined => {
      const told = handlers.gap(entry, { reason, count: undefined })
      const handle = (): Promise<void> | undefined => this.#handle(entry, message)
      return told === undefined ? handle() : told.then(handle)
    }
    // Its frame is held in front of those that the batch holds: it must not be behind them.
    const before = this.#batch?.end()
    if (before === undefined) return this.#ends.run(partition, entry, message.sequence, step)
    return before.then(() => this.#ends.run(partition, entry, message.sequence, step))
  }

  #handle(entry: KeyEntry<State>, message: StreamMessage): Promise<void> | undefined {
    const { handlers } = this.#parts
    return afterThat(this.#touch(entry, message.sequence), () =>
      this.#batch === undefined ? handlers.message(entry, message) : handlers.batch([message], [entry.state]),
    )
  }

  /** What is no message. */
  #other(): Promise<void> | undefined {
    const reader = this.#reader
    const { kind, key, token, sequence } = reader
    const partition = this.#parts.states.get(reader.partition)
    if (kind === Frame.query) return this.#query(partition)
    if (kind === Frame.barrier) return this.#barrier(token)
    if (kind === Frame.grant) return this.#granted(token, Number(reader.text()))
    if (partition === undefined) return this.#ends.commit()
    if (kind === Frame.notice) return this.#notice(partition, token, reader.text() as Gap['reason'])
    if (sequence <= partition.restoredTo) return this.#replayed(partition)
    partition.sequence = sequence
    const gap: Gap = { reason: 'dropped', count: token }
    if (key === '') return this.tellAll(partition, gap, this.#ends.openFrame(partition, sequence))
    const entry = partition.keys.get(key) ?? this.#admit(partition, key)
    if (entry === undefined) return this.#ends.commit()
    return this.#ends.run(partition, entry, sequence, () =>
      afterThat(this.#touch(entry, sequence), () => this.#parts.handlers.gap(entry, gap)),
    )
  }

  /** All of a partition that is to go to another slot has come. */
  #barrier(id: number): undefined {
    const { copier } = this.#parts
    const partition = copier.partition(id)
    // The group has thought better of it.
    if (partition === undefined) return this.#ends.commit()
    this.#ends.afterAll(partition, () => copier.release(id))
  }

  /** What follows of a partition is for whoever was granted it. */
  #granted(id: number, epoch: number): Promise<void> | undefined {
    const pending = this.#parts.gate.pass(id, epoch)
    if (pending === undefined) return this.#ends.commit()
    return pending.then((isGranted) => {
      if (isGranted) this.#ends.commit()
    })
  }

  /** Every key of the partition is told of a gap before its next message. */
  #notice(
    partition: PartitionStates<State>,
    token: number,
    reason: Gap['reason'],
  ): Promise<void> | undefined {
    if (token === Notice.reset) this.#parts.reset(partition)
    partition.lost = reason
    const onTold = this.#ends.openFrame(partition, partition.sequence + 1)
    return this.tellAll(partition, { reason, count: undefined }, onTold)
  }

  #query(partition: PartitionStates<State> | undefined): Promise<void> | undefined {
    const { key, token } = this.#reader
    const { handlers, answer } = this.#parts
    if (partition === undefined) {
      answer(token, { hasMoved: true })
      return this.#ends.commit()
    }
    const request = this.#reader.text()
    const entry = partition.keys.get(key)
    const ask = (): Promise<void> | undefined =>
      afterThat(entry?.packed === undefined ? undefined : handlers.unpack(entry), () =>
        handlers.query(key, entry?.state, request, (given) => answer(token, given)),
      )
    if (entry !== undefined) return this.#ends.run(partition, entry, partition.sequence, ask)
    void ask()
    return this.#ends.commit()
  }

  #replayed(partition: PartitionStates<State>): undefined {
    partition.sequence = Math.max(partition.sequence, this.#reader.sequence)
    this.#parts.handlers.tally.replayed++
    return this.#ends.commit()
  }

  #admit(partition: PartitionStates<State>, key: string): KeyEntry<State> | undefined {
    return this.#parts.admit(partition, key, this.#turnAt)
  }

  /** @returns what has to be waited for before the entry is used: its key is told that its state is broken. */
  #touch(entry: KeyEntry<State>, sequence: number): Promise<void> | undefined {
    const told = entry.packed === undefined ? undefined : this.#parts.handlers.unpack(entry)
    entry.sequence = sequence
    entry.tick = this.#parts.ticks.now
    entry.usedAt = this.#turnAt
    entry.isUsed = true
    return told
  }
}

function afterThat(first: Promise<void> | undefined, step: Step): Promise<void> | undefined {
  return first === undefined ? step() : first.then(step)
}
