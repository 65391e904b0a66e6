import type { ClaimRequest, ClaimResult } from '../../queue/backend.ts'
import type { ClaimedJob } from '../../queue/job.ts'
import { Claim, type Claims } from './claims.ts'
import type { Entry } from './entry.ts'
import { type Line, moreUrgent } from './line.ts'
import type { Shelf } from './shelf.ts'

/** Answers a claim: what the token holds already, else what waits. */
export function claim(
  shelf: Shelf,
  claims: Claims,
  request: ClaimRequest,
  wall: number,
  lease: number,
): ClaimResult {
  const held = claims.find(request.owner, request.token)
  const jobs =
    held === undefined
      ? take(shelf, claims, request, wall, lease)
      : held.entries().map((entry) => entry.claimed(held.token))
  const next = shelf.nextDelayed()
  return {
    jobs,
    suspectWaiting: request.types.some((type) => (shelf.lines.get(type)?.suspects ?? 0) > 0),
    nextDueMs: next === undefined ? null : Math.max(0, next.at - wall),
    paused: shelf.paused,
    control: shelf.control,
  }
}

function take(
  shelf: Shelf,
  claims: Claims,
  request: ClaimRequest,
  wall: number,
  lease: number,
): ClaimedJob[] {
  const jobs: ClaimedJob[] = []
  if (shelf.paused || request.limit <= 0) return jobs
  const { owner, token, leaseMs, renewForMs, start, maxBytes, suspects } = request
  shelf.promote(wall, Math.max(request.limit, 100))

  const renewUntil = renewForMs === null ? Infinity : lease + renewForMs
  const claim = new Claim(shelf, owner, token, Math.min(lease + leaseMs, renewUntil), renewUntil)
  const lines = linesOf(shelf, request.types)
  const limit = suspects === 'only' ? 1 : request.limit
  let bytes = 0
  while (jobs.length < limit) {
    const line =
      suspects === 'only' ? first(lines, suspect) : lines.length === 1 ? lines[0] : first(lines, normal)
    const entry = suspects === 'only' ? line?.peekSuspect() : line?.peek()
    if (line === undefined || entry === undefined) break
    bytes += entry.bytes
    if (jobs.length > 0 && bytes > maxBytes) break
    if (suspects === 'only') line.shiftSuspect()
    else line.shift()
    if (entry.expiresAt !== null && entry.expiresAt <= wall) {
      bytes -= entry.bytes
      shelf.apply(entry, { kind: 'expire' }, wall)
      continue
    }
    shelf.take(entry, claim, jobs.length < start)
    jobs.push(entry.claimed(token))
  }
  if (!claim.empty) claims.add(claim)
  return jobs
}

function linesOf(shelf: Shelf, types: readonly string[]): Line[] {
  const lines: Line[] = []
  for (const type of types) {
    const line = shelf.lines.get(type)
    if (line !== undefined && line.waiting > 0) lines.push(line)
  }
  return lines
}

const normal = (line: Line): Entry | undefined => line.peek()

const suspect = (line: Line): Entry | undefined => line.peekSuspect()

/** The line with the most urgent job of all. */
function first(lines: readonly Line[], peek: (line: Line) => Entry | undefined): Line | undefined {
  let best: Line | undefined
  let bestEntry: Entry | undefined
  for (const line of lines) {
    const entry = peek(line)
    if (entry !== undefined && (bestEntry === undefined || moreUrgent(entry, bestEntry))) {
      best = line
      bestEntry = entry
    }
  }
  return best
}
