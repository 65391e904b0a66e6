import type { Fault, Strike } from './faults.ts'
import { LAST_CHILD_MS, SHUTDOWN_MS } from './faults.ts'
import type { Plan } from './plan.ts'
import type { End } from './target.ts'

/** What a machine with other things to do adds to a deadline. */
export const MARGIN_MS = 1000

/** What was seen of a run. */
export interface Seen {
  /** Undefined when the server ended, or stayed silent, before it could be hit: `failure` says why. */
  readonly strike: Strike | undefined
  readonly failure: string | undefined
  /** Undefined when it had not ended long after its deadline. */
  readonly end: End | undefined
  /** Processes that outlived their server for longer than they may. */
  readonly orphans: readonly number[]
  /** Jobs that the queue accepted, and that nobody ran to the end, or that are not done for the queue. */
  readonly lost: readonly number[]
}

/** How a run went, and what was wrong with it. */
export interface Outcome {
  readonly plan: Plan
  readonly orphans: number
  readonly lost: number
  readonly wrongExit: boolean
  readonly late: boolean
  /** From the strike to the end of the server. */
  readonly tookMs: number
  /** For people; empty when all was well. */
  readonly faults: readonly string[]
}

/** Compares what was seen with what must hold. */
export function judgeRun(plan: Plan, fault: Fault, seen: Seen): Outcome {
  const { strike, failure, end, orphans, lost } = seen
  const exits = strike?.exits ?? fault.exits
  const how = end === undefined ? undefined : (end.signal ?? end.code ?? undefined)
  const isExpected = strike !== undefined && how !== undefined && exits.includes(how)
  const withinMs = deadlineMs(fault)
  const tookMs = strike === undefined || end === undefined ? Infinity : end.at - strike.at
  const late = end === undefined || (strike !== undefined && tookMs > withinMs + MARGIN_MS)
  const faults: string[] = []
  if (failure !== undefined) faults.push(failure)
  if (!isExpected) faults.push(`expected it to end with ${exits.join(' or ')}, got: ${how ?? 'no end'}`)
  if (late) faults.push(`expected it to end within ${withinMs} ms, got: ${tookMs.toFixed(0)} ms`)
  if (orphans.length > 0) faults.push(`processes outlived it: ${orphans.join(', ')}`)
  if (lost.length > 0) faults.push(`jobs were lost: ${lost.slice(0, 10).join(', ')} (${lost.length})`)
  return {
    plan,
    orphans: orphans.length,
    lost: lost.length,
    // One that never ended is late; how it would have ended nobody knows.
    wrongExit: end !== undefined && !isExpected,
    late,
    tookMs,
    faults,
  }
}

/** From the strike, ms. */
export function deadlineMs({ withinMs }: Fault): number {
  return withinMs ?? SHUTDOWN_MS
}

export function orphanDeadlineMs({ orphansWithinMs }: Fault): number {
  // Each of them has a thread to start, for the case that its loop is blocked.
  return orphansWithinMs === undefined ? LAST_CHILD_MS : orphansWithinMs + 2 * MARGIN_MS
}
