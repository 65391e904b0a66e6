import type { Entry } from './backlog.ts'
import type { FrameKind } from './frame.ts'
import type { KnownKey } from './key-table.ts'

/** Where what is routed to a partition goes: the outbox of its slot, or a pause. */
export interface Route {
  /** @returns undefined when it is in, else a promise of that. @throws MillhandError QUEUE_FULL. */
  accept(
    kind: FrameKind,
    partition: number,
    key: string,
    known: KnownKey | undefined,
    data: string | Uint8Array,
  ): Promise<void> | undefined
  /** Takes what is never dropped. */
  control(entry: Entry): void
}
