import type { Backend } from './backend.ts'
import type { QueueSettings } from './queue-options.ts'
import type { JobSchemas } from './schema.ts'

/** A queue of whatever job types: what is needed of it to consume its jobs. Every `Queue` is one. */
export interface AnyQueue {
  readonly name: string
  readonly backend: Backend
  /** The job types with their schemas; undefined when the queue takes any. */
  readonly jobs: JobSchemas | undefined
  /** Complete options, times in ms. */
  readonly settings: QueueSettings
  close(): Promise<void>
}
