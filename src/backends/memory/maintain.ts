import type { CrashPolicy, MaintainReport, MaintainRequest, ReapReport } from '../../queue/backend.ts'
import type { Claim } from './claims.ts'
import type { Entry } from './entry.ts'
import type { Hints } from './hints.ts'
import type { Line } from './line.ts'
import type { Shelf } from './shelf.ts'

/** What was found of dead or silent owners. */
class Reaped {
  returned = 0
  readonly crashed: string[] = []
  readonly dead: string[] = []

  get total(): number {
    return this.returned + this.crashed.length + this.dead.length
  }

  add(shelf: Shelf, entry: Entry, policy: CrashPolicy, now: number): void {
    const { id, started } = entry
    shelf.apply(entry, { kind: 'reap', policy }, now)
    if (!started) this.returned++
    else if (entry.state === 'waiting') this.crashed.push(id)
    else this.dead.push(id)
  }
}

/** Takes all that these claims hold, whatever their leases, and hints at it. */
export function reapClaims(
  claims: readonly Claim[],
  policy: CrashPolicy,
  now: number,
  hints: Hints,
): ReapReport {
  const reaped = new Reaped()
  for (const claim of claims) {
    for (const entry of claim.entries()) reaped.add(claim.shelf, entry, policy, now)
    hints.tell(claim.shelf.queue)
  }
  const { returned, crashed, dead } = reaped
  return { returned, crashed, dead }
}

/** One step of the upkeep of a queue. */
export function maintain(
  shelf: Shelf,
  request: MaintainRequest,
  wall: number,
  lease: number,
): MaintainReport {
  const { maintainedAt } = shelf
  // Nobody looked for longer than a lease: the workers were cut off as well, and may be about to come back.
  const gap = maintainedAt === null || lease - maintainedAt > request.leaseMs
  if (gap) shelf.graceUntil = lease + request.leaseMs
  shelf.maintainedAt = lease
  for (const type of request.types) {
    const line = shelf.line(type)
    line.handledAt = lease
    line.unhandledSince = null
  }

  let left = request.limit
  const reaped = new Reaped()
  // At a gap, what had run out when upkeep last ran has had its grace.
  const bound = gap ? (maintainedAt ?? -Infinity) : lease < shelf.graceUntil ? -Infinity : lease
  for (const claim of shelf.claims) {
    if (claim.leaseUntil > bound) continue
    for (const entry of claim.entries()) {
      if (reaped.total >= left) break
      reaped.add(shelf, entry, request, wall)
    }
  }
  left -= reaped.total
  const promoted = shelf.promote(wall, left)
  left -= promoted
  left -= shelf.expire(wall, left)
  const removed = shelf.sweep(wall, left)
  left -= removed

  const unhandled: MaintainReport['unhandled'][number][] = []
  for (const line of shelf.lines.values()) {
    const since = unhandledSince(line, gap, request.leaseMs, lease)
    if (since === null) continue
    const forMs = lease - since
    const dead = forMs < request.unhandledGraceMs ? 0 : bury(shelf, line, wall, left)
    left -= dead
    unhandled.push({ type: line.type, forMs, dead })
  }
  const { returned, crashed, dead } = reaped
  return { returned, crashed, dead, promoted, removed, unhandled, more: left <= 0 }
}

/**
 * Since when nobody runs what waits in a line; null when somebody does, or nothing waits. The time is counted
 * only while upkeep is being done, or else the first worker to start after an outage would bury the others' jobs.
 */
function unhandledSince(line: Line, gap: boolean, leaseMs: number, now: number): number | null {
  const handled = line.handledAt !== null && now - line.handledAt <= leaseMs
  if (line.waiting === 0 || handled) line.unhandledSince = null
  else if (gap) line.unhandledSince = now
  else line.unhandledSince ??= now
  return line.unhandledSince
}

function bury(shelf: Shelf, line: Line, now: number, limit: number): number {
  let count = 0
  for (; count < limit; count++) {
    const entry = line.peek() ?? line.peekSuspect()
    if (entry === undefined) break
    // Skipped by the line from now on, for it waits no more.
    shelf.apply(entry, { kind: 'unhandled' }, now)
  }
  return count
}
