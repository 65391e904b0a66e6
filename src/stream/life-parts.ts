import type { Answer } from './control.ts'
import type { GrantGate } from './grant-gate.ts'
import type { Handlers } from './handlers.ts'
import type { KeyLanes } from './key-lanes.ts'
import type { KeyEntry, KeyStates, PartitionStates } from './key-states.ts'
import type { KeyTimers } from './key-timers.ts'
import type { Outlet } from './outlet.ts'
import type { StateCopier } from './state-copier.ts'
import type { Ticks } from './state-packer.ts'
import type { StreamHooks } from './stream-hooks.ts'
import type { StreamSettings } from './stream-settings.ts'

/** What the frames of a slot go through, in one life of its worker. */
export interface LifeParts<State> {
  readonly settings: StreamSettings
  readonly hooks: StreamHooks<State>
  readonly states: KeyStates<State>
  readonly handlers: Handlers<State>
  readonly lanes: KeyLanes
  readonly timers: KeyTimers<State>
  readonly outlet: Outlet
  readonly copier: StateCopier<State>
  readonly gate: GrantGate
  readonly ticks: Ticks
  /** A new key; undefined when its state could not be made, which is told. */
  readonly admit: (partition: PartitionStates<State>, key: string, now: number) => KeyEntry<State> | undefined
  /** Throws all states of a partition away. */
  readonly reset: (partition: PartitionStates<State>) => void
  readonly answer: (query: number, answer: Answer) => void
}
