import type { WireError } from '../core/wire-error.ts'
import type { Gap } from './gap.ts'
import type { StateBatch } from './state-batch.ts'
import type { StreamSettings } from './stream-settings.ts'
import type { WorkerStats } from './worker-stats.ts'

/**
 * What a group and the worker of one slot say to each other, beside the messages of the stream. Every life of a slot
 * has an epoch; what belongs to another one is ignored.
 *
 *     group    states* begin ────▶ worker    it has its partitions, and reads
 *              copy ─────────────▶           of one partition, for another slot
 *              ◀──── states* copied          again and again those that have changed
 *              (barrier, through the ring)
 *              ◀──── states* released        the last of them; kept until the group says
 *              forget or keep ───▶
 *
 *              states* grant ────▶           the other slot, which waits for it where the ring has its mark
 *              ◀─────────── granted
 */
export type ToWorker = { readonly stream: true; readonly epoch: number } & (
  | { readonly kind: 'begin'; readonly begin: Begin }
  | { readonly kind: 'states'; readonly batch: StateBatch }
  /** `isMarked`: the ring has a mark where it is waited for. */
  | { readonly kind: 'grant'; readonly id: number; readonly grant: Grant; readonly isMarked: boolean }
  | {
      readonly kind: 'copy' | 'keep' | 'forget' | 'discard'
      readonly id: number
      readonly partition: number
    }
  | { readonly kind: 'stats' }
  /** So many emits of this life have arrived. */
  | { readonly kind: 'emitted'; readonly count: number }
)

export interface Begin {
  /** What the reader is opened with. */
  readonly door: unknown
  readonly settings: StreamSettings
  /** The names that `emit` knows. */
  readonly outputs: readonly string[]
  readonly grants: readonly Grant[]
  /** The life before ended in a crash: so many messages are committed one by one, to find the one at fault. */
  readonly careful: number
  /** Lives that began with the first message died of it: it is skipped. */
  readonly isPoisoned: boolean
}

/** A partition is the worker's from now on; the states that it was sent are complete. */
export interface Grant {
  readonly partition: number
  /** At which sequence of the partition the states stand. */
  readonly sequence: number
  /** Up to here messages were handled by others: above `sequence`, what they did is lost. */
  readonly handledTo: number
  /** Why a key without a state may have lost one, or messages. */
  readonly lost: Gap['reason'] | undefined
  /** Why all keys are to be told of a gap. */
  readonly gap: Gap['reason'] | undefined
}

export type FromWorker = { readonly stream: true; readonly epoch: number } & (
  | { readonly kind: 'begun' }
  | { readonly kind: 'states'; readonly id: number; readonly batch: StateBatch }
  | { readonly kind: 'copied'; readonly id: number }
  /** `at`: ms of the monotonic clock of the machine. */
  | { readonly kind: 'granted'; readonly id: number; readonly at: number }
  | {
      readonly kind: 'released'
      readonly id: number
      readonly sequence: number
      readonly lost: Gap['reason'] | undefined
    }
  /** States for the store. */
  | { readonly kind: 'snapshot'; readonly batch: StateBatch }
  /** The store was sent all of the partition as it was at this sequence, or later. */
  | { readonly kind: 'saved'; readonly partition: number; readonly sequence: number }
  /** All of the partition was thrown away. */
  | { readonly kind: 'cleared'; readonly partition: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'stats'; readonly stats: WorkerStats }
  | { readonly kind: 'emit'; readonly items: readonly EmitItem[] }
)

export type Answer =
  | { readonly value: unknown }
  | { readonly error: WireError }
  /** The key has moved meanwhile: ask again. */
  | { readonly hasMoved: true }

/** The number of a notice to a partition, whose text is the reason of a gap: whether the states are thrown away. */
export const Notice = { gap: 0, reset: 1 } as const

/** Output, key and data of what a worker emits. */
export type EmitItem = readonly [output: string, key: string, data: unknown]

type Body<Message> = Message extends unknown ? Omit<Message, 'stream' | 'epoch'> : never
export type ToWorkerBody = Body<ToWorker>
export type FromWorkerBody = Body<FromWorker>

/** What is said between them, among other messages of a worker. */
export function isControl(message: unknown): boolean {
  return typeof message === 'object' && message !== null && Reflect.get(message, 'stream') === true
}
