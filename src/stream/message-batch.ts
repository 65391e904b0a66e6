import type { FrameReader } from './frame-reader.ts'
import type { FrameEnds } from './frame-ends.ts'
import type { Handlers } from './handlers.ts'
import type { KeyEntry, PartitionStates } from './key-states.ts'
import type { HeldFrame } from './slot-reader.ts'
import type { StreamMessage } from './stream-message.ts'

interface Held<State> {
  readonly message: StreamMessage
  readonly entry: KeyEntry<State>
  readonly partition: PartitionStates<State>
  readonly frame: HeldFrame
}

/** Messages that are gathered for `processBatch`. */
export class MessageBatch<State> {
  readonly #reader: FrameReader
  readonly #handlers: Handlers<State>
  readonly #ends: FrameEnds<State>
  readonly #size: number
  #held: Held<State>[] = []

  constructor(reader: FrameReader, handlers: Handlers<State>, ends: FrameEnds<State>, size: number) {
    this.#reader = reader
    this.#handlers = handlers
    this.#ends = ends
    this.#size = size
  }

  /** Takes the message of the present frame. @returns what the loop has to wait for. */
  add(
    partition: PartitionStates<State>,
    entry: KeyEntry<State>,
    message: StreamMessage,
  ): Promise<void> | undefined {
    entry.inHand++
    partition.open.push(message.sequence)
    this.#held.push({ message, entry, partition, frame: this.#reader.hold() })
    return this.#held.length >= this.#size ? this.end() : undefined
  }

  /** Has handled what was gathered. @returns what the loop has to wait for. */
  end(): Promise<void> | undefined {
    const held = this.#held
    if (held.length === 0) return undefined
    this.#held = []
    const pending = this.#handlers.batch(
      held.map(({ message }) => message),
      held.map(({ entry }) => entry.state),
    )
    const done = (): void => {
      for (const { message, entry, partition, frame } of held) {
        entry.inHand--
        partition.close(message.sequence)
        this.#ends.release(frame)
      }
    }
    if (pending === undefined) done()
    return pending?.then(done)
  }
}
