import type { CheckedRouter } from './router-options.ts'

/** Has something to publish. */
export interface Planned {
  isPlanned: boolean
  publish(): void
}

/** What all outboxes of a router share. */
export interface OutboxHost {
  readonly options: CheckedRouter
  /** The last sequence number of each partition that was written into a ring. */
  readonly sequences: Float64Array
  /** When what is routed now was routed; read from the clock now and then. */
  now: number
  /** What was written is to be published at the end of the tick. */
  plan(planned: Planned): void
  onDrop(partition: number, key: string, slot: number): void
  /** The worker is about to be told. */
  onGap(slot: number, partition: number, key: string, count: number): void
  onFull(slot: number, isFull: boolean): void
}
