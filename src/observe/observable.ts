import type { Emitter } from '../core/events.ts'
import type { WorkerEvents } from '../core/telemetry.ts'

/** What can be observed, whatever it is made of. Every Worker is one. */
export interface Observable {
  readonly id: string
  readonly name: string
  readonly isRunning: boolean
  /** Work that waits for it, as far as it knows. */
  readonly queueSize?: number
  readonly events: Pick<Emitter<WorkerEvents>, 'on'>
}

/** Says how much work waits: when the worker itself does not know, or somebody else knows better. */
export type QueueSize = () => number | Promise<number>

/** The given source, else the worker's own knowledge; undefined when nobody knows. */
export function queueSizeOf(worker: Observable, given: QueueSize | undefined): QueueSize | undefined {
  if (given !== undefined) return given
  return worker.queueSize === undefined ? undefined : () => worker.queueSize ?? 0
}
