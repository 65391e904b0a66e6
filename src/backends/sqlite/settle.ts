import type { FollowUps, ProgressUpdate, Settlement, SettleResult, StartResult } from '../../queue/backend.ts'
import type { JobRecord, JobRef } from '../../queue/job.ts'
import { enqueue } from './enqueue.ts'
import { apply } from './event.ts'
import { RECORD_COLUMNS, recordOf } from './row.ts'
import { STATE } from './schema.ts'
import type { Session } from './session.ts'

const OK: SettleResult = Object.freeze({ status: 'ok', followUps: Object.freeze([]) })
const STALE: SettleResult = Object.freeze({ status: 'stale' })

/** Ends claims. In a transaction. */
export function settle(session: Session, settlements: readonly Settlement[]): SettleResult[] {
  const remove = session.db.statement(REMOVE)
  return settlements.map((settlement) => {
    const { ref, outcome, followUps } = settlement
    if (outcome.kind === 'done' && outcome.keepMs === 0 && (followUps?.length ?? 0) === 0) {
      // What transition() says of it, without reading it: the way of most jobs.
      const queue = session.findQueue(ref.queue)
      if (queue !== undefined && remove.run(ref.seq, ref.token, ref.id, queue.id) === 1) {
        session.moved(queue, STATE.active, null, 1)
        return OK
      }
    }
    return settleOne(session, settlement)
  })
}

const REMOVE = 'DELETE FROM job WHERE seq = ? AND token = ? AND id = ? AND queue_id = ? AND dedupe_ms IS NULL'

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
