import type { JobFilter } from '../../queue/backend.ts'
import type { JobRecord, JobState } from '../../queue/job.ts'
import { textArray } from './arrays.ts'
import { Changes, load } from './change.ts'
import { search } from './search.ts'
import type { Session } from './session.ts'
import { escaped } from './text.ts'

/** Keeps claims of a queue out until the transaction ends: what waits, stays. */
export async function lockQueue(session: Session, queue: string): Promise<void> {
  await session.rows(
    `SELECT pg_advisory_xact_lock($2::int, queue_id) FROM ${session.s}.queue WHERE name = $1`,
    [escaped(queue), String(session.space)],
  )
}

/** Pauses or resumes. */
export async function setPaused(session: Session, queue: string, paused: boolean): Promise<void> {
  await session.rows(
    `INSERT INTO ${session.s}.queue AS q (name, paused, control) VALUES ($1, $2, 1)
     ON CONFLICT (name) DO UPDATE SET paused = $2, control = q.control + 1`,
    [escaped(queue), String(paused)],
  )
  session.woken.add(queue)
}

/** Gives up jobs. In a transaction. */
export async function cancel(
  session: Session,
  queue: string,
  ids: readonly string[],
  keepMs: number | null,
): Promise<('cancelled' | 'not-found' | 'finished')[]> {
  await lockQueue(session, queue)
  const names = ids.map((id) => ({ queue, id }))
  const before = await load(session, names)
  // Who settles one of them now is waited for, and what it did is seen.
  const active = [...before.jobs.values()].filter(({ token }) => token !== null)
  if (active.length > 0) await lockJobs(session, queue, active)
  const { jobs, now } = active.length > 0 ? await load(session, names) : before
  const changes = new Changes(session, now)
  const known = new Map<string, JobRecord | 'removed'>()
  let told = 0
  const results = ids.map((id, n) => {
    const job = known.get(id) ?? jobs.get(n)
    if (job === undefined || job === 'removed') return 'not-found'
    const next = changes.apply(job, { kind: 'cancelled', keepMs })
    if (next === undefined) return 'finished'
    known.set(id, next)
    if (job.state === 'active') told++
    return 'cancelled'
  })
  await changes.save()
  if (told > 0) {
    await session.rows(`UPDATE ${session.s}.queue SET control = control + $2::int WHERE name = $1`, [
      escaped(queue),
      String(told),
    ])
    session.woken.add(queue)
  }
  return results
}

async function lockJobs(session: Session, queue: string, jobs: readonly JobRecord[]): Promise<void> {
  await session.rows(
    `SELECT FROM unnest($2::text[]) u (id) JOIN ${session.s}.queue q ON q.name = $1
     JOIN ${session.s}.job j ON j.queue_id = q.queue_id AND j.id = u.id ORDER BY j.seq FOR UPDATE OF j`,
    [escaped(queue), textArray(jobs.map(({ id }) => escaped(id)))],
  )
}

/** What can be done to all jobs that match a filter, each from some states only. */
export interface Sweep {
  readonly from: readonly JobState[]
  /** @returns whether it did. */
  readonly act: (changes: Changes, job: JobRecord) => boolean
}

export const REPLAY: Sweep = {
  from: ['dead', 'cancelled'],
  act: (changes, job) => changes.apply(job, { kind: 'replay' }) !== undefined,
}

export const PURGE: Sweep = {
  from: ['waiting', 'delayed', 'blocked', 'done', 'dead', 'cancelled'],
  act: (changes, job) => {
    changes.remove(job)
    return true
  },
}

/** Does it to the next jobs that match. In a transaction. @returns how many matched and how many it was done to. */
export async function sweep(
  session: Session,
  { from, act }: Sweep,
  filter: JobFilter,
  after: number,
  limit: number,
): Promise<{ looked: number; count: number; next: number | null }> {
  await lockQueue(session, filter.queue)
  const found = await search(session, { ...filter, after, limit }, from, false)
  const { jobs, now } = await load(session, found)
  const changes = new Changes(session, now)
  let count = 0
  for (const job of jobs.values()) if (from.includes(job.state) && act(changes, job)) count++
  await changes.save()
  return { looked: found.length, count, next: found.length < limit ? null : found.at(-1)!.seq }
}
