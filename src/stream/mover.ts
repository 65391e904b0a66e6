import type { Logger } from '../core/logger.ts'
import { after } from '../core/timer.ts'
import type { FromWorker } from './control.ts'
import type { Gap } from './gap.ts'
import type { GroupSlot } from './group-slot.ts'
import { handOver, isOver, type HandOverAction, type HandOverEvent, type HandOverState } from './hand-over.ts'
import type { MessageRouter } from './message-router.ts'
import { monotonicMs } from './monotonic-ms.ts'
import type { SnapshotKeeper } from './snapshot-keeper.ts'
import type { StateBatch } from './state-batch.ts'

/** What a hand-over needs of its group. */
export interface MoverHost {
  readonly router: Pick<MessageRouter, 'pause' | 'barrier' | 'resume' | 'mark'>
  readonly keeper: SnapshotKeeper
  readonly logger: Logger
  own(partition: number, slot: number, lost: Gap['reason'] | undefined): void
  onMoved(moved: { partition: number; from: number; to: number; pausedMs: number }): void
}

/** A hand-over that takes longer is called off, ms; it is begun again later. */
const PATIENCE_MS = 30_000
/** Before a partition is paused, so long is waited for a moment at which its slot has little to do, ms. */
const CALM_MS = 250
/** Little: what is handled in a few milliseconds at most. */
const CALM_DEPTH = 200
const CALM_LOOK_MS = 1
/** A slot that is done with nothing for so long waits for something else, as for outputs that take nothing, ms. */
const STILL_MS = 25

interface Move {
  readonly id: number
  readonly partition: number
  readonly from: GroupSlot
  readonly to: GroupSlot
  readonly over: PromiseWithResolvers<boolean>
  /** What the old slot has sent, in its order. */
  readonly batches: StateBatch[]
  state: HandOverState
  pausedAt: number
  /** When the router sent on what it had held back, and when the new slot was ready for it. */
  resumedAt: number | undefined
  readyAt: number | undefined
  released: { readonly sequence: number; readonly lost: Gap['reason'] | undefined } | undefined
}

/** Carries out the moves of partitions from slot to slot, each by the machine of hand-over.ts. */
export class Mover {
  readonly #host: MoverHost
  readonly #moves = new Map<number, Move>()
  /** Slots that were waited for in vain, and how far they were then. */
  readonly #still = new WeakMap<GroupSlot, number>()
  #id = 0

  constructor(host: MoverHost) {
    this.#host = host
  }

  /** @returns false when the partition has stayed where it was: one of the two died, or it was called off. */
  async move(partition: number, from: GroupSlot, to: GroupSlot): Promise<boolean> {
    if (!from.isLive || !to.isLive) return false
    const id = ++this.#id
    const over = Promise.withResolvers<boolean>()
    const move: Move = {
      ...{ id, partition, from, to, over, batches: [], state: 'copying', pausedAt: 0, released: undefined },
      ...{ resumedAt: undefined, readyAt: undefined },
    }
    this.#moves.set(id, move)
    const cancel = after(PATIENCE_MS, () => this.#on(move, 'cancelled'), { ref: false })
    from.send({ kind: 'copy', id, partition })
    const hasMoved = await over.promise
    cancel()
    this.#moves.delete(id)
    return hasMoved
  }

  /** Calls off those that can be. */
  cancel(): void {
    for (const move of [...this.#moves.values()]) this.#on(move, 'cancelled')
  }

  onDeath(slot: GroupSlot): void {
    for (const move of [...this.#moves.values()]) {
      if (move.from === slot) this.#on(move, 'oldDied')
      if (move.to === slot) this.#on(move, 'newDied')
    }
  }

  hear(slot: GroupSlot, message: FromWorker): void {
    if (!('id' in message)) return
    const move = this.#moves.get(message.id)
    if (move === undefined || isOver(move.state)) return
    if (message.kind === 'granted' && slot === move.to) {
      move.readyAt = message.at
      return this.#on(move, 'installed')
    }
    if (slot !== move.from) return
    if (message.kind === 'states') {
      move.to.send({ kind: 'states', batch: message.batch })
      move.batches.push(message.batch)
    } else if (message.kind === 'copied') {
      void this.#calm(move).then(() => this.#on(move, 'copied'))
    } else if (message.kind === 'released') {
      move.released = message
      this.#on(move, 'released')
    }
  }

  /** The pause lasts as long as the messages in the ring: it should not begin behind a heap of them. */
  async #calm({ from }: Move): Promise<void> {
    const end = monotonicMs() + CALM_MS
    let [head, at] = [from.link.head, monotonicMs()]
    while (from.link.depth > CALM_DEPTH && monotonicMs() < end) {
      if (from.link.head !== head) [head, at] = [from.link.head, monotonicMs()]
      else if (monotonicMs() - at > STILL_MS) this.#still.set(from, head)
      if (this.#still.get(from) === head) return
      await new Promise((resolve) => void setTimeout(resolve, CALM_LOOK_MS))
    }
  }

  #on(move: Move, event: HandOverEvent): void {
    const { state, actions } = handOver(move.state, event)
    if (state === move.state) return
    move.state = state
    for (const action of actions) this.#act(move, action)
    if (!isOver(state)) return
    if (state === 'kept') {
      const { partition, from, to } = move
      this.#host.logger.debug({ partition, from: from.id, to: to.id, event }, 'a hand-over was called off')
    }
    move.over.resolve(state === 'moved')
  }

  #resume(move: Move): void {
    this.#host.router.resume(move.partition, move.to.id)
    move.resumedAt = monotonicMs()
  }

  #act(move: Move, action: HandOverAction): void {
    const { id, partition, from, to } = move
    const { router, keeper } = this.#host
    switch (action) {
      case 'pause':
        move.pausedAt = monotonicMs()
        return router.pause(partition)
      case 'barrier':
        return router.barrier(from.id, id)
      case 'own':
        keeper.saveSoon(partition, move.batches, move.released!.sequence)
        return this.#host.own(partition, to.id, move.released!.lost)
      case 'grant': {
        const { sequence, lost } = move.released!
        const grant = { partition, sequence, handledTo: sequence, lost, gap: undefined }
        // With a mark in its ring, what was held back can follow before the new slot has answered.
        const isMarked = router.mark(partition, to.id, id, to.link.epoch)
        to.send({ kind: 'grant', id, grant, isMarked })
        return isMarked ? this.#resume(move) : undefined
      }
      case 'forgetOld':
        return from.send({ kind: 'forget', id, partition })
      case 'clearOld':
        return from.send({ kind: 'keep', id, partition })
      case 'clearNew':
        return to.send({ kind: 'discard', id, partition })
      case 'resumeOld':
        return router.resume(partition, from.id)
      case 'resumeNew': {
        if (move.resumedAt === undefined) this.#resume(move)
        const pausedMs = Math.max(move.resumedAt!, move.readyAt ?? monotonicMs()) - move.pausedAt
        return this.#host.onMoved({ partition, from: from.id, to: to.id, pausedMs })
      }
    }
  }
}
