import type { FollowUps, ProgressUpdate, Settlement, SettleResult, StartResult } from '../../queue/backend.ts'
import type { JobRecord, JobRef } from '../../queue/job.ts'
import { enqueue } from './enqueue.ts'
import { apply } from './event.ts'
import { RECORD_COLUMNS, recordOf } from './row.ts'
import { STATE } from './schema.ts'
import type { Session } from './session.ts'
import { isRun } from './run.ts'

const OK: SettleResult = Object.freeze({ status: 'ok', followUps: Object.freeze([]) })
const STALE: SettleResult = Object.freeze({ status: 'stale' })

/** Ends claims. In a transaction. */
export function settle(session: Session, settlements: readonly Settlement[]): SettleResult[] {
  const results: SettleResult[] = []
  for (let at = 0; at < settlements.length;) {
    const run = settlements.slice(at, at + Math.max(1, plainRun(settlements, at)))
    if (run.length > 1 && removeAll(session, run)) results.push(...run.map(() => OK))
    else results.push(...run.map((settlement) => settleOne(session, settlement)))
    at += run.length
  }
  return results
}

/** How many settlements from `at` on only remove jobs of one claim: the way of most. */
function plainRun(settlements: readonly Settlement[], at: number): number {
  const { queue, token } = settlements[at]!.ref
  let end = at
  for (; end < settlements.length; end++) {
    const { ref, outcome, followUps } = settlements[end]!
    if (outcome.kind !== 'done' || outcome.keepMs !== 0 || (followUps?.length ?? 0) > 0) break
    if (ref.token !== token || ref.queue !== queue) break
  }
  return end - at
}

/**
 * What transition() says of them, without reading any. One statement for all is twice as fast as one for each, but
 * does not tell which it removed.
 * @returns false, and nothing is changed, unless it removed every one.
 */
function removeAll(session: Session, settlements: readonly Settlement[]): boolean {
  const { db } = session
  const { queue: name, token } = settlements[0]!.ref
  const queue = session.findQueue(name)
  if (queue === undefined) return false
  const seqs = settlements.map(({ ref }) => ref.seq)
  db.statement('SAVEPOINT remove_all').run()
  const all = isRun(seqs)
    ? db.statement(REMOVE_RUN).run(seqs[0]!, seqs.at(-1)!, token, queue.id) === seqs.length
    : db.statement(REMOVE_ALL).run(JSON.stringify(seqs), token, queue.id) === seqs.length
  if (!all) db.statement('ROLLBACK TO remove_all').run()
  db.statement('RELEASE remove_all').run()
  if (all) session.moved(queue, STATE.active, null, settlements.length)
  return all
}

const PLAIN = 'token = ? AND queue_id = ? AND dedupe_ms IS NULL'
const REMOVE_RUN = `DELETE FROM job WHERE seq BETWEEN ? AND ? AND ${PLAIN}`
const REMOVE_ALL = `DELETE FROM job WHERE seq IN (SELECT value FROM json_each(?)) AND ${PLAIN}`

function settleOne(session: Session, { ref, outcome, followUps }: Settlement): SettleResult {
  const job = held(session, ref)
  if (job === undefined || !apply(session, job, outcome)) return STALE
  if (followUps === undefined || followUps.length === 0) return OK
  return { status: 'ok', followUps: followUps.flatMap((each: FollowUps) => follow(session, each)) }
}

function follow(session: Session, { queue, jobs }: FollowUps): ReturnType<typeof enqueue> {
  return enqueue(session, queue, jobs, null)
}

/** The job that a reference names, without its payload; undefined when its token is not the present one. */
function held(session: Session, { queue, id, seq, token }: JobRef): JobRecord | undefined {
  const row = session.db
    .statement(`SELECT ${RECORD_COLUMNS} FROM job WHERE seq = ? AND token = ?`)
    .get(seq, token)
  if (row === undefined) return undefined
  const job = recordOf(session, row)
  return job.id === id && job.queue === queue ? job : undefined
}

/** Records that handlers are about to run. In a transaction. */
export function start(session: Session, refs: readonly JobRef[]): StartResult[] {
  return refs.map((ref) => {
    const started = isStarted(session, ref)
    if (started === undefined) return 'stale'
    if (started) return 'started'
    if (session.queue(ref.queue).paused) return 'paused'
    session.db.statement('UPDATE job SET started = 1 WHERE seq = ?').run(ref.seq)
    return 'started'
  })
}

/** Notes how far jobs are. In a transaction. */
export function progress(session: Session, updates: readonly ProgressUpdate[]): ('ok' | 'stale')[] {
  return updates.map(({ ref, progress }) => {
    if (isStarted(session, ref) === undefined) return 'stale'
    session.db.statement('UPDATE job SET progress = ? WHERE seq = ?').run(progress, ref.seq)
    return 'ok'
  })
}

/** Whether the job that a reference names was started; undefined when its token is not the present one. */
function isStarted(session: Session, { queue, id, seq, token }: JobRef): boolean | undefined {
  const queueId = session.findQueue(queue)?.id ?? null
  const row = session.db
    .statement('SELECT started FROM job WHERE seq = ? AND token = ? AND id = ? AND queue_id = ?')
    .get(seq, token, id, queueId)
  return row === undefined ? undefined : row[0] === 1
}
