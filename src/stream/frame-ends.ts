import type { FrameReader } from './frame-reader.ts'
import type { KeyLanes, Step } from './key-lanes.ts'
import type { KeyEntry, PartitionStates } from './key-states.ts'
import type { Outlet } from './outlet.ts'
import type { HeldFrame } from './slot-reader.ts'

/**
 * Runs what frames ask for, each key's in turn, and commits a frame when that is done. With a concurrency of 1 the loop
 * waits for each step itself; else they run beside it.
 */
export class FrameEnds<State> {
  readonly #reader: FrameReader
  readonly #lanes: KeyLanes
  readonly #outlet: Outlet
  readonly #isSerial: boolean
  /** Those that wait until no message of their partition is in hand. */
  readonly #barriers = new Map<number, (() => void)[]>()
  /** So many frames are committed one by one. */
  #careful: number

  constructor(reader: FrameReader, lanes: KeyLanes, outlet: Outlet, isSerial: boolean, careful: number) {
    this.#reader = reader
    this.#lanes = lanes
    this.#outlet = outlet
    this.#isSerial = isSerial
    this.#careful = careful
    // Of several in hand, the first would be blamed for what another one did.
    lanes.narrow(careful > 0)
  }

  get isCareful(): boolean {
    return this.#careful > 0
  }

  /** The present frame is done. */
  commit(): undefined {
    this.#reader.commit()
    if (this.#careful > 0) this.#flushOne()
  }

  /** A frame that was held is done, as soon as what was emitted is taken. */
  release(held: HeldFrame): void {
    this.#outlet.whenTaken(() => {
      this.#reader.release(held)
      if (this.#careful > 0) this.#flushOne()
    })
  }

  /**
   * Something of the partition is still to be done, as if it were a message of this sequence: till then, and until the
   * function that it gives is called, the partition is neither handed over nor saved as being further.
   */
  open(partition: PartitionStates<State>, sequence: number): () => void {
    partition.open.push(sequence)
    return () => this.#close(partition, sequence)
  }

  /** Holds the present frame, and its partition open. @returns the function that says that it is done. */
  openFrame(partition: PartitionStates<State>, sequence: number): () => void {
    const held = this.#reader.hold()
    partition.open.push(sequence)
    return () => this.#done(partition, sequence, held)
  }

  /** Runs a step that comes with no frame, then calls `onEnd`. @returns what the loop has to wait for. */
  beside(entry: KeyEntry<State>, step: Step, onEnd: () => void): Promise<void> | undefined {
    const run = (): Promise<void> | undefined => {
      const pending = step()
      if (pending !== undefined) return pending.then(onEnd)
      onEnd()
      return undefined
    }
    if (!this.#isSerial) {
      this.#lanes.run(entry, run)
      return undefined
    }
    const pending = run()
    if (pending === undefined) return undefined
    entry.inHand++
    return pending.then(() => void entry.inHand--)
  }

  /** Runs what the present frame asks for. @returns what the loop has to wait for. */
  run(
    partition: PartitionStates<State>,
    entry: KeyEntry<State>,
    sequence: number,
    step: Step,
  ): Promise<void> | undefined {
    const held = this.#reader.hold()
    if (this.#isSerial) {
      const pending = step()
      if (pending !== undefined) return this.#alone(partition, entry, sequence, held, pending)
      this.release(held)
      return undefined
    }
    partition.open.push(sequence)
    this.#lanes.run(entry, () => {
      const pending = step()
      if (pending !== undefined) return pending.then(() => this.#done(partition, sequence, held))
      this.#done(partition, sequence, held)
      return undefined
    })
    return undefined
  }

  /** What the present frame asks for, of a key that nobody else has in hand, has begun. @returns as `run`. */
  begun(
    partition: PartitionStates<State>,
    entry: KeyEntry<State>,
    sequence: number,
    pending: Promise<void>,
  ): Promise<void> | undefined {
    const held = this.#reader.hold()
    if (this.#isSerial) return this.#alone(partition, entry, sequence, held, pending)
    partition.open.push(sequence)
    this.#lanes.begun(
      entry,
      pending.then(() => this.#done(partition, sequence, held)),
    )
    return undefined
  }

  /** Calls `then` when all of the partition that came before the present frame is done, and the frames committed. */
  afterAll(partition: PartitionStates<State>, then: () => void): void {
    const held = this.#reader.hold()
    const pass = (): void => {
      this.release(held)
      this.#reader.flush()
      then()
    }
    if (partition.open.length === 0) return pass()
    const waiting = this.#barriers.get(partition.number)
    if (waiting === undefined) this.#barriers.set(partition.number, [pass])
    else waiting.push(pass)
  }

  /** While one handler runs alone, its key is neither copied nor evicted. */
  async #alone(
    partition: PartitionStates<State>,
    entry: KeyEntry<State>,
    sequence: number,
    held: HeldFrame,
    pending: Promise<void>,
  ): Promise<void> {
    entry.inHand++
    partition.open.push(sequence)
    await pending
    entry.inHand--
    this.#done(partition, sequence, held)
  }

  #done(partition: PartitionStates<State>, sequence: number, held: HeldFrame): void {
    this.release(held)
    this.#close(partition, sequence)
  }

  #close(partition: PartitionStates<State>, sequence: number): void {
    partition.close(sequence)
    if (partition.open.length > 0 || this.#barriers.size === 0) return
    const waiting = this.#barriers.get(partition.number)
    this.#barriers.delete(partition.number)
    for (const pass of waiting ?? []) pass()
  }

  /** After a crash: the next life is to know which message was in hand. */
  #flushOne(): void {
    if (--this.#careful === 0) this.#lanes.narrow(false)
    this.#reader.flush()
  }
}
