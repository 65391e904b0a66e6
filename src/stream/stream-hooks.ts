import type { Gap } from './gap.ts'
import type { StreamMessage } from './stream-message.ts'

/** What a StreamWorker does with messages and states, for those who call it. */
export interface StreamHooks<State> {
  init(key: string): State
  process(message: StreamMessage, state: State): unknown
  /** Absent when the worker takes messages one by one. */
  readonly processBatch:
    | ((messages: readonly StreamMessage[], states: readonly State[]) => unknown)
    | undefined
  onGap(key: string, gap: Gap, state: State): unknown
  query(key: string, request: unknown, state: State | undefined): unknown
  onTimer(key: string, name: string, state: State): unknown
  onEvict(key: string, state: State): void
  onError(error: Error, key: string): void
  snapshot(key: string, state: State): unknown
  restore(key: string, snapshot: unknown): State
}
