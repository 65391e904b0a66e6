import { MillhandError } from '../core/errors.ts'
import { Backlog, waitingMessage, type Entry, type OnDrop, type Overflow, type Room } from './backlog.ts'
import type { FrameKind } from './frame.ts'
import type { KnownKey } from './key-table.ts'
import type { Outbox } from './outbox.ts'
import type { Route } from './route.ts'

/** A partition that has no worker at the moment: what is routed to it is kept until it has. */
export class Pause implements Route {
  readonly #overflow: Overflow
  readonly #backlog: Backlog
  /** Shared by all partitions that are paused. As many again may wait to be let in. */
  readonly #room: Room
  readonly #maxMessages: number
  readonly #onDrop: OnDrop
  readonly #onRouted: () => void
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers()
  /** Resolves when all that is in it now is in the ring of its slot. */
  readonly #passed: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(
    overflow: Overflow,
    room: Room,
    maxMessages: number,
    events: { readonly onDrop: OnDrop; readonly onRouted: () => void },
  ) {
    this.#overflow = overflow
    this.#backlog = new Backlog(overflow, room)
    this.#room = room
    this.#maxMessages = maxMessages
    this.#onDrop = events.onDrop
    this.#onRouted = events.onRouted
    this.#ended.promise.catch(() => {})
    this.#passed.promise.catch(() => {})
  }

  get size(): number {
    return this.#backlog.size
  }

  /** Resolves when the pause is over. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  accept(
    kind: FrameKind,
    partition: number,
    key: string,
    _known: KnownKey | undefined,
    data: string | Uint8Array,
  ): Promise<void> | undefined {
    const entry = waitingMessage(kind, partition, key, data)
    if (!this.#backlog.offer(entry, this.#onDrop)) {
      throw new MillhandError(
        'QUEUE_FULL',
        `as much as fits waits for partitions that have no worker at the moment (maxMessages ${this.#maxMessages}): ` +
          `await what route() returns before you route more, or choose another overflow than 'block'`,
      )
    }
    this.#onRouted()
    return this.#overflow === 'block' && this.#room.messages > this.#maxMessages
      ? this.#passed.promise
      : undefined
  }

  control(entry: Entry): void {
    this.#backlog.push(entry)
  }

  /** What was routed meanwhile goes to `outbox`, in front of what is routed there from now on. */
  end(outbox: Outbox): void {
    const passed = outbox.adopt(this.#backlog)
    this.#ended.resolve()
    if (passed === undefined) this.#passed.resolve()
    else passed.then(this.#passed.resolve, this.#passed.reject)
  }

  close(error: Error): void {
    this.#ended.reject(error)
    this.#passed.reject(error)
  }
}
