/**
 * The move of one partition from a slot to another, as a pure machine. Until the old slot has released it, it is the
 * old one's, and whatever goes wrong leaves it there; from then on it is the new one's.
 *
 *     copying ──copied──▶ draining ──released──▶ installing ──installed, newDied──▶ moved
 *        │                    │
 *        └────────────────────┴── oldDied, newDied, cancelled ──▶ kept
 *
 * copying: the states of its keys are copied while they go on changing. draining: its messages are held back, and a
 * barrier goes through the ring of the old slot, behind all that the slot was given before. installing: what had
 * changed since the copy is on its way to the new slot, and into the store.
 */
export type HandOverState = 'copying' | 'draining' | 'installing' | 'moved' | 'kept'

export type HandOverEvent = 'copied' | 'released' | 'installed' | 'oldDied' | 'newDied' | 'cancelled'

export type HandOverAction =
  /** The router holds back the messages of the partition. */
  | 'pause'
  /** A barrier into the ring of the old slot. */
  | 'barrier'
  /** The partition belongs to the new slot: also when that has to be started again. */
  | 'own'
  /** The new slot is told that it has all, and what was held back follows, if there is room at once. */
  | 'grant'
  /** The old slot forgets the states that it has released. */
  | 'forgetOld'
  /** The old slot keeps them, and stops to look at what changes. */
  | 'clearOld'
  /** The new slot forgets what it was sent. */
  | 'clearNew'
  /** What was held back goes to the old slot, or the new one, if it has not gone there yet. */
  | 'resumeOld'
  | 'resumeNew'

export interface HandOverStep {
  readonly state: HandOverState
  /** To be done in this order. */
  readonly actions: readonly HandOverAction[]
}

type Steps = Partial<Record<HandOverEvent, HandOverStep>>

export const HAND_OVER: Readonly<Record<HandOverState, Steps>> = {
  copying: {
    copied: { state: 'draining', actions: ['pause', 'barrier'] },
    oldDied: { state: 'kept', actions: ['clearNew'] },
    newDied: { state: 'kept', actions: ['clearOld'] },
    cancelled: { state: 'kept', actions: ['clearOld', 'clearNew'] },
  },
  draining: {
    released: { state: 'installing', actions: ['own', 'grant'] },
    // Its next life goes on from its snapshots and from what is in its ring, the barrier included, which nobody minds.
    oldDied: { state: 'kept', actions: ['clearNew', 'resumeOld'] },
    newDied: { state: 'kept', actions: ['clearOld', 'resumeOld'] },
    cancelled: { state: 'kept', actions: ['clearOld', 'clearNew', 'resumeOld'] },
  },
  installing: {
    installed: { state: 'moved', actions: ['resumeNew', 'forgetOld'] },
    // Its next life takes the states from the store.
    newDied: { state: 'moved', actions: ['resumeNew', 'forgetOld'] },
  },
  moved: {},
  kept: {},
}

/** @returns the same state without actions for an event that changes nothing. */
export function handOver(state: HandOverState, event: HandOverEvent): HandOverStep {
  return HAND_OVER[state][event] ?? { state, actions: [] }
}

export function isOver(state: HandOverState): boolean {
  return state === 'moved' || state === 'kept'
}
