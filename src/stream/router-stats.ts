import type { Distribution } from '../observe/distribution.ts'
import { latencyOf } from './latency.ts'
import type { Outbox } from './outbox.ts'

/** One slot of a router at one moment. */
export interface SlotStats {
  readonly slot: number
  /** Partitions that it owns. */
  readonly partitions: number
  /** Messages that were routed to it, dropped ones included. */
  readonly routed: number
  readonly dropped: number
  /** Messages and others that its worker is not done with. */
  readonly depth: number
  /** Nothing fits at the moment. */
  readonly isFull: boolean
  /** From `route` until the worker was done with it, exact to an eighth; of all lives of its worker. */
  readonly latency: Distribution
}

/** A router at one moment. Reading it changes nothing and asks nobody. */
export interface RouterStats {
  /** Messages that were accepted, dropped ones included. */
  readonly routed: number
  readonly dropped: number
  /** Calls of `route` that threw: a wrong key or payload, or too much that waits. */
  readonly refused: number
  /** Messages and others that workers are not done with, or that wait for a worker. */
  readonly depth: number
  /** Of these, those of partitions that are paused or have no worker. */
  readonly paused: number
  readonly latency: Distribution
  readonly slots: readonly SlotStats[]
  /** Messages dropped by key, of the first 10,000 keys that had any. */
  readonly droppedByKey: ReadonlyMap<string, number>
}

export function slotStats(outbox: Outbox, partitions: number): SlotStats {
  const { slot, routed, dropped, depth, isFull } = outbox
  return { slot, partitions, routed, dropped, depth, isFull, latency: latencyOf([countsOf(outbox)]) }
}

export function countsOf(outbox: Outbox): Int32Array {
  return outbox.writer.ring.latency
}
