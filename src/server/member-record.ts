import { systemClock } from '../core/clock.ts'
import type { Restart } from '../worker/lifecycle.ts'
import type { Lane } from './lane.ts'
import type { Member } from './member.ts'
import {
  decide,
  NO_RESTARTS,
  type Decision,
  type RestartHistory,
  type RestartRules,
} from './restart-policy.ts'

/** What is remembered of a member, from one `open` of its supervisor to the next. */
export interface MemberRecord {
  readonly member: Member
  /** Where what is done to it takes turns. */
  readonly lane: Lane
  /** Aborts when nobody is to start it any more; the reason is an Error. */
  readonly interrupt: AbortController
  history: RestartHistory
  restarts: number
  /** True once it was started. */
  hasBegun: boolean
  /** When it was last up, on the monotonic clock; undefined while it is not. */
  upSince: number | undefined
  /** How long its last life was, ms; 0 when it did not even start. */
  upMs: number
  /** Steps that concern it, under way or waiting for their turn. */
  steps: number
  /** True while somebody waits for its end. */
  isWatched: boolean
  /** True when it has ended while it was to be started again. */
  isToReturn: boolean
  /** True when nobody will start it again: it has done its work, or was given up. */
  isSettled: boolean
  /** What it was given up for. */
  settledFor: Error | undefined
}

export function newRecord(member: Member, lane: Lane): MemberRecord {
  return {
    ...{ member, lane, interrupt: new AbortController(), history: NO_RESTARTS, restarts: 0 },
    ...{ hasBegun: false, upSince: undefined, upMs: 0, steps: 0 },
    ...{ isWatched: false, isToReturn: false, isSettled: false, settledFor: undefined },
  }
}

/** True while it is to be started again when it fails. */
export function isMinded({ isSettled, interrupt }: MemberRecord): boolean {
  return !isSettled && !interrupt.signal.aborted
}

/**
 * True for a member that was given up, or failed while it was to stop; not for one that was about to be started
 * again when a stop came.
 */
export function hasFailed({ member, isSettled, isToReturn }: MemberRecord): boolean {
  return !member.isAlive && member.error !== undefined && (isSettled || !isToReturn)
}

export function settle(record: MemberRecord, cause: Error | undefined): void {
  record.isSettled = true
  record.settledFor = cause
}

/** What its next start tells it. */
export function restartOf({ restarts }: MemberRecord, cause: Error | undefined): Restart {
  return { cause, restarts: restarts + 1 }
}

/** How long it has been up, ms; 0 when it is not. */
export function upMsOf({ upSince }: MemberRecord): number {
  return upSince === undefined ? 0 : systemClock.monotonic() - upSince
}

/** What to do about its end, which is noted when it is started again for it. */
export function decideOn(record: MemberRecord, error: Error | undefined, rules: RestartRules): Decision {
  const end = { error, upMs: record.upMs, atMs: systemClock.monotonic() }
  const decision = decide(record.member.restart, end, record.history, rules)
  if (decision.action === 'restart') record.history = decision.history
  return decision
}
