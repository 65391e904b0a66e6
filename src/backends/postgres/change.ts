import type { JobRecord, JobState } from '../../queue/job.ts'
import type { JobChange, JobEvent } from '../../queue/transition.ts'
import { transition } from '../../queue/transition.ts'
import { fixedArray, orNull, textArray } from './arrays.ts'
import { joined, moreOf, noteOf, placeOf, RECORD_COLUMNS, recordOf } from './row.ts'
import type { Session } from './session.ts'
import { escaped, kept } from './text.ts'

/** The jobs that were asked for, by their place in the question, and the time of day. */
export interface Loaded {
  readonly now: number
  readonly jobs: ReadonlyMap<number, JobRecord>
}

/** Reads jobs without their payloads. In a transaction that holds what keeps them as they are. */
export async function load(
  session: Session,
  names: readonly { readonly queue: string; readonly id: string }[],
): Promise<Loaded> {
  const rows = await session.rows(
    `SELECT ${RECORD_COLUMNS}, u.n, ${session.s}.now_ms()
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u (queue_name, id, n)
     JOIN ${session.s}.queue w ON w.name = u.queue_name
     JOIN ${session.s}.job j ON j.queue_id = w.queue_id AND j.id = u.id ${joined(session)}`,
    [textArray(names.map(({ queue }) => escaped(queue))), textArray(names.map(({ id }) => escaped(id)))],
  )
  const jobs = new Map(rows.map((row) => [Number(row[22]) - 1, recordOf(row.slice(0, 22))]))
  return { jobs, now: Number(rows[0]?.[23]) }
}

/**
 * What events did to jobs, written at once. Every change that is not in a statement of its own goes this way, so that
 * `transition` alone decides.
 */
export class Changes {
  readonly #session: Session
  readonly #now: number
  #changed = new Map<number, { before: JobRecord; change: JobChange }>()

  constructor(session: Session, now: number) {
    this.#session = session
    this.#now = now
  }

  /** Lets an event happen. @returns the job as it is then, `removed` when it is no more, undefined when it cannot be. */
  apply(job: JobRecord, event: JobEvent): JobRecord | 'removed' | undefined {
    const change = transition(job, event, this.#now)
    if (change === undefined) return undefined
    return this.#note(job, change)
  }

  remove(job: JobRecord): void {
    this.#note(job, { removed: true })
  }

  #note(job: JobRecord, change: JobChange): JobRecord | 'removed' {
    const known = this.#changed.get(job.seq)
    this.#changed.set(job.seq, { before: known?.before ?? job, change: { ...known?.change, ...change } })
    if (change.removed === true) return 'removed'
    return { ...job, ...change }
  }

  /** Writes them. */
  async save(): Promise<void> {
    const all = [...this.#changed.values()]
    this.#changed = new Map()
    if (all.length === 0) return
    await this.#remove(all.filter(({ change }) => change.removed === true).map(({ before }) => before))
    await this.#update(all.filter(({ change }) => change.removed !== true))
    await this.#count(all)
  }

  async #remove(jobs: readonly JobRecord[]): Promise<void> {
    if (jobs.length === 0) return
    await this.#session.rows(
      `DELETE FROM ${this.#session.s}.job j USING unnest($1::text[], $2::text[], $3::bigint[]) u (queue_name, id, seq)
       JOIN ${this.#session.s}.queue q ON q.name = u.queue_name
       WHERE j.queue_id = q.queue_id AND j.id = u.id AND j.seq = u.seq`,
      [...keysOf(jobs)],
    )
  }

  async #update(all: readonly { before: JobRecord; change: JobChange }[]): Promise<void> {
    if (all.length === 0) return
    const next = all.map(({ before, change }): JobRecord => ({ ...before, ...change }))
    const results = next.map(({ result }) => (result === null ? null : kept(result)))
    const numbers = (of: (job: JobRecord) => number | null): Buffer => fixedArray('int8', next.map(of))
    await this.#session.rows(
      `UPDATE ${this.#session.s}.job j SET place = u.place, note = u.note, crashes = nullif(u.crashes, 0), run_at = u.run_at,
         expires_at = u.expires_at, finished_at = u.finished_at, keep_until = u.keep_until, result = u.result,
         result_form = u.result_form, payload = CASE WHEN u.emptied THEN '' ELSE j.payload END,
         form = CASE WHEN u.emptied THEN NULL ELSE j.form END, bytes = CASE WHEN u.emptied THEN NULL ELSE j.bytes END,
         more = CASE WHEN u.emptied THEN u.more ELSE j.more END
       FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
         $9::bigint[], $10::bigint[], $11::text[], $12::smallint[], $13::boolean[], $14::text[])
         u (queue_name, id, seq, place, note, crashes, run_at, expires_at, finished_at, keep_until, result, result_form, emptied, more)
       JOIN ${this.#session.s}.queue q ON q.name = u.queue_name
       WHERE j.queue_id = q.queue_id AND j.id = u.id AND j.seq = u.seq`,
      [
        ...keysOf(next),
        fixedArray('int2', next.map(placeOf)),
        orNull(next.map(noteOf), textArray),
        numbers(({ crashes }) => crashes),
        numbers(({ runAt }) => runAt),
        numbers(({ expiresAt }) => expiresAt),
        numbers(({ finishedAt }) => finishedAt),
        numbers(({ keepUntil }) => keepUntil),
        orNull(
          results.map((result) => result?.text ?? null),
          textArray,
        ),
        orNull(
          results.map((result) => result?.form ?? null),
          (all) => fixedArray('int2', all),
        ),
        fixedArray(
          'bool',
          all.map(({ change }) => change.payload !== undefined),
        ),
        orNull(next.map(moreOf), textArray),
      ],
    )
    for (const { queue, state } of next) {
      if (state === 'waiting' || state === 'delayed') this.#session.woken.add(queue)
    }
  }

  async #count(all: readonly { before: JobRecord; change: JobChange }[]): Promise<void> {
    const sums = new Map<string, number[]>()
    for (const { before, change } of all) {
      let sum = sums.get(before.queue)
      if (sum === undefined) sums.set(before.queue, (sum = [0, 0, 0, 0, 0]))
      sum[COLUMN[before.state]]!--
      if (change.removed !== true) sum[COLUMN[change.state ?? before.state]]!++
    }
    const moved = [...sums].filter(([, sum]) => sum.some((count) => count !== 0))
    if (moved.length === 0) return
    const column = (n: number): Buffer =>
      fixedArray(
        'int4',
        moved.map(([, sum]) => sum[n]!),
      )
    await this.#session.rows(
      `INSERT INTO ${this.#session.s}.tally (queue_id, open, delayed, done, dead, cancelled)
       SELECT q.queue_id, u.open, u.delayed, u.done, u.dead, u.cancelled
       FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[])
         u (name, open, delayed, done, dead, cancelled) JOIN ${this.#session.s}.queue q ON q.name = u.name`,
      [
        textArray(moved.map(([queue]) => escaped(queue))),
        column(0),
        column(1),
        column(2),
        column(3),
        column(4),
      ],
    )
  }
}

/** The column of `tally` that counts a state. */
const COLUMN: Readonly<Record<JobState, number>> = {
  waiting: 0,
  blocked: 0,
  active: 0,
  delayed: 1,
  done: 2,
  dead: 3,
  cancelled: 4,
}

function keysOf(jobs: readonly JobRecord[]): [Buffer, Buffer, Buffer] {
  return [
    textArray(jobs.map(({ queue }) => escaped(queue))),
    textArray(jobs.map(({ id }) => escaped(id))),
    fixedArray(
      'int8',
      jobs.map(({ seq }) => seq),
    ),
  ]
}
