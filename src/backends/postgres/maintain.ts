import type {
  CrashPolicy,
  HeldClaim,
  MaintainReport,
  MaintainRequest,
  ReapReport,
} from '../../queue/backend.ts'
import type { JobEvent } from '../../queue/transition.ts'
import { textArray } from './arrays.ts'
import { Changes, load } from './change.ts'
import { HOLDS } from './sql/holds.ts'
import { lockQueue } from './steer.ts'
import type { Session } from './session.ts'
import { escaped, unescaped } from './text.ts'

/** Runs work in a transaction of its own. */
export type Transact = <T>(work: (session: Session) => Promise<T>) => Promise<T>

const NOTHING: MaintainReport = Object.freeze({
  returned: 0,
  crashed: [],
  dead: [],
  promoted: 0,
  removed: 0,
  unhandled: [],
  more: false,
})

/** The composite type `report`; lists are null when they are empty. */
interface Report {
  readonly gap: boolean
  readonly reaped: readonly string[] | null
  readonly promoted: number
  readonly late: readonly string[] | null
  readonly removed: number
  readonly types: readonly string[] | null
  readonly for_ms: readonly number[] | null
}

/** One step of the upkeep of a queue: one statement, and a transaction where jobs have to be looked at one by one. */
export async function maintain(
  session: Session,
  request: MaintainRequest,
  transact: Transact,
): Promise<MaintainReport> {
  const { queue, types, leaseMs, limit, unhandledGraceMs } = request
  const lease = String(Math.round(leaseMs))
  const handled = textArray([...new Set(types)].map(escaped))
  let [report] = await session.json<[Report]>(`SELECT to_json(${session.s}.upkeep($1, $2, $3, $4))`, [
    escaped(queue),
    handled,
    lease,
    String(limit),
  ])
  let left = limit
  let { returned, crashed, dead } = NOTHING
  if (report.reaped !== null) {
    const ids = report.reaped.map(unescaped)
    ;({ returned, crashed, dead } = await transact((own) => reap(own, queue, ids, request)))
    left -= ids.length
    ;[report] = await session.json<[Report]>(
      `SELECT to_json(${session.s}.upkeep_rest(queue_id, $2, $3, $4)) FROM ${session.s}.queue WHERE name = $1`,
      [escaped(queue), String(report.gap), lease, String(left)],
    )
  }
  const { promoted, removed } = report
  const late = report.late?.map(unescaped) ?? []
  if (promoted > 0) session.woken.add(queue)
  if (late.length > 0) await transact((own) => expire(own, queue, late))
  left -= promoted + late.length + removed
  const unhandled: MaintainReport['unhandled'][number][] = []
  for (const [n, name] of report.types?.entries() ?? []) {
    const type = unescaped(name)
    const forMs = report.for_ms![n]!
    const over = forMs >= unhandledGraceMs && left > 0
    const buried = over ? await transact((own) => bury(own, queue, type, left)) : 0
    left -= buried
    unhandled.push({ type, forMs, dead: buried })
  }
  return { returned, crashed, dead, promoted, removed, unhandled, more: left <= 0 }
}

/** Dead-letters what was not started in time. In a transaction. */
export async function expire(session: Session, queue: string, ids: readonly string[]): Promise<void> {
  await lockQueue(session, queue)
  const { jobs, now } = await load(
    session,
    ids.map((id) => ({ queue, id })),
  )
  const changes = new Changes(session, now)
  for (const job of jobs.values()) {
    if (job.expiresAt !== null && job.expiresAt <= now) changes.apply(job, { kind: 'expire' })
  }
  await changes.save()
}

async function bury(session: Session, queue: string, type: string, limit: number): Promise<number> {
  await lockQueue(session, queue)
  const rows = await session.rows(
    `SELECT w.id FROM ${session.s}.queue q JOIN ${session.s}.line l ON l.queue_id = q.queue_id AND l.type = $2
     CROSS JOIN LATERAL (
       (SELECT j.id FROM ${session.s}.job j WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head
          AND j.seq NOT IN (SELECT seq FROM ${session.s}.claim) ORDER BY j.seq LIMIT $3)
       UNION ALL (SELECT j.id FROM ${session.s}.job j WHERE j.line_id = l.line_id AND j.place = 1 LIMIT $3)
       UNION ALL (SELECT j.id FROM ${session.s}.job j WHERE j.line_id = l.line_id AND j.place = 2 LIMIT $3)) w
     WHERE q.name = $1 LIMIT $3`,
    [escaped(queue), escaped(type), String(limit)],
  )
  return applyAll(
    session,
    queue,
    rows.map(([id]) => unescaped(id!)),
    { kind: 'unhandled' },
  )
}

async function applyAll(
  session: Session,
  queue: string,
  ids: readonly string[],
  event: JobEvent,
): Promise<number> {
  const { jobs, now } = await load(
    session,
    ids.map((id) => ({ queue, id })),
  )
  const changes = new Changes(session, now)
  let count = 0
  for (const job of jobs.values()) if (changes.apply(job, event) !== undefined) count++
  await changes.save()
  return count
}

/**
 * Takes jobs from owners whose leases have expired. In a transaction. What somebody is settling at this moment, in a
 * transaction that is open, is left alone.
 */
async function reap(
  session: Session,
  queue: string,
  ids: readonly string[],
  policy: CrashPolicy,
): Promise<ReapReport> {
  // Renewed in between: theirs again.
  const rows = await session.rows(
    `SELECT c.id FROM unnest($2::text[]) u (id) JOIN ${session.s}.queue q ON q.name = $1
     JOIN ${session.s}.job j ON j.queue_id = q.queue_id AND j.id = u.id
     JOIN ${session.s}.claim c ON c.queue_id = q.queue_id AND c.seq = j.seq AND ${HOLDS}
     WHERE c.lease_until <= ${session.s}.lease_now_ms() ORDER BY j.seq FOR UPDATE OF j SKIP LOCKED`,
    [escaped(queue), textArray(ids.map(escaped))],
  )
  return reapHeld(
    session,
    rows.map(([id]) => ({ queue, id: unescaped(id!) })),
    policy,
  )
}

/** Takes the jobs of an owner that is known to be dead, in all queues. In a transaction; `limit` at the most. */
export async function reapOwner(
  session: Session,
  owner: string,
  policy: CrashPolicy,
  limit: number,
): Promise<ReapReport> {
  const rows = await session.rows(
    `SELECT q.name, c.id FROM ${session.s}.claim c JOIN ${session.s}.queue q ON q.queue_id = c.queue_id
     CROSS JOIN LATERAL (SELECT FROM ${session.s}.job j
       WHERE j.queue_id = c.queue_id AND j.id = c.id AND j.seq = c.seq AND ${HOLDS} FOR UPDATE SKIP LOCKED) j
     WHERE c.token > $1 AND c.token < $2 ORDER BY c.seq LIMIT $3`,
    [...tokensOf(owner), String(limit)],
  )
  return reapHeld(
    session,
    rows.map(([queue, id]) => ({ queue: unescaped(queue!), id: unescaped(id!) })),
    policy,
  )
}

/** The bounds between which all tokens of an owner are: `;` follows `:`. */
function tokensOf(owner: string): [after: string, before: string] {
  return [`${escaped(owner)}:`, `${escaped(owner)};`]
}

async function reapHeld(
  session: Session,
  held: readonly { queue: string; id: string }[],
  policy: CrashPolicy,
): Promise<ReapReport> {
  const { jobs, now } = await load(session, held)
  const changes = new Changes(session, now)
  const crashed: string[] = []
  const dead: string[] = []
  let returned = 0
  for (const job of jobs.values()) {
    changes.apply(job, { kind: 'reap', policy })
    if (!job.started) returned++
    else if (job.crashes + 1 < policy.maxCrashes) crashed.push(job.id)
    else dead.push(job.id)
  }
  await changes.save()
  return { returned, crashed, dead }
}

/** Gives all claims of an owner a new lease. */
export async function renew(session: Session, owner: string, leaseMs: number): Promise<HeldClaim[]> {
  const rows = await session.rows(
    // Locked in the order in which settlements lock them.
    `WITH held AS (SELECT grant_id FROM ${session.s}.grant_ WHERE token > $1 AND token < $2 ORDER BY grant_id FOR UPDATE),
       renewed AS (
         UPDATE ${session.s}.grant_ g SET lease_until = least(${session.s}.lease_now_ms() + $3::bigint, g.renew_until)
         FROM held WHERE g.grant_id = held.grant_id RETURNING g.grant_id, g.queue_id, g.token, g.seqs, g.ids)
     SELECT u.id, c.token FROM renewed c CROSS JOIN unnest(c.seqs, c.ids) u (seq, id)
     -- Each looks for its job, whatever the planner thinks of it: it may know no statistics of the tables yet.
     CROSS JOIN LATERAL (SELECT FROM ${session.s}.job j
       WHERE j.queue_id = c.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS} OFFSET 0) j`,
    [...tokensOf(owner), String(Math.round(leaseMs))],
  )
  return rows.map(([id, token]) => ({ id: unescaped(id!), token: unescaped(token!) }))
}
