import { BackendError } from '../../core/errors.ts'
import type { EnqueueRequest, EnqueueResult } from '../../queue/backend.ts'
import type { NewJob } from '../../queue/job.ts'
import { BLOCK } from './sql/enqueue.ts'
import { fixedArray, orNull, textArray } from './arrays.ts'
import { moreOf } from './row.ts'
import type { Session } from './session.ts'
import { bytesOf, escaped, kept } from './text.ts'

/** Makes a queue and its lines, elsewhere than in the transaction of the adds. */
export type Prepare = (queue: string, types: Buffer, ranks: Buffer) => Promise<void>

/**
 * Puts jobs into a queue. The answers are in the order of the jobs.
 * @param hopeful no id is known to be there: that is found out as they are put. Not in a transaction of the caller's, which
 * would get a part of its own for each.
 */
export async function enqueue(
  session: Session,
  { queue, jobs, maxLength }: EnqueueRequest,
  prepare: Prepare,
  hopeful: boolean = false,
): Promise<EnqueueResult[]> {
  const large = jobs.map((job) => exceeds(job, session.maxPayloadBytes))
  if (!large.includes(true)) return enqueueSized(session, queue, jobs, maxLength, prepare, hopeful)
  const known = await knownSeqs(
    session,
    queue,
    jobs.flatMap(({ id }, n) => (large[n] === true ? [id] : [])),
  )
  const put = await enqueueSized(
    session,
    queue,
    jobs.filter((_, n) => large[n] === false),
    maxLength,
    prepare,
  )
  let next = 0
  return jobs.map((job, n) => {
    if (large[n] === false) {
      const result = put[next++]!
      if (result.status !== 'rejected') known.set(result.id, result.seq)
      return result
    }
    const seq = known.get(job.id)
    return seq === undefined
      ? tooLarge(job, session.maxPayloadBytes)
      : { status: 'duplicate', id: job.id, seq }
  })
}

async function enqueueSized(
  session: Session,
  queue: string,
  jobs: readonly NewJob[],
  maxLength: number | null,
  prepare: Prepare,
  hopeful: boolean = false,
): Promise<EnqueueResult[]> {
  if (jobs.length === 0) return []
  if (maxLength === null) return (await put(session, queue, jobs, null, prepare, hopeful))!
  const all = await put(session, queue, jobs, maxLength, prepare, hopeful)
  return all ?? (await putSome(session, queue, jobs, maxLength, prepare))
}

/** There is no room for all: some are known, some fit, the others are refused. */
async function putSome(
  session: Session,
  queue: string,
  jobs: readonly NewJob[],
  maxLength: number,
  prepare: Prepare,
): Promise<EnqueueResult[]> {
  const known = await knownSeqs(
    session,
    queue,
    jobs.map(({ id }) => id),
  )
  const [length] = (await session.row(
    `SELECT q.open + q.delayed + coalesce((SELECT sum(t.open + t.delayed) FROM ${session.s}.tally t WHERE t.queue_id = q.queue_id), 0)
     FROM ${session.s}.queue q WHERE q.name = $1`,
    [escaped(queue)],
  ))!
  let room = maxLength - Number(length)
  const fresh = new Set<string>()
  const fits = jobs.map(({ id }) => {
    if (known.has(id) || fresh.has(id)) return true
    if (room <= 0) return false
    room--
    fresh.add(id)
    return true
  })
  const added = await enqueueSized(
    session,
    queue,
    jobs.filter((_, n) => fits[n]),
    null,
    prepare,
  )
  let next = 0
  return jobs.map(({ id }, n) => {
    if (fits[n]) return added[next++]!
    const reason = `expected the queue "${queue}" to hold fewer than ${maxLength} unfinished jobs, got: ${maxLength - room}`
    return { status: 'rejected', id, code: 'QUEUE_FULL', reason }
  })
}

/** What the server says; not ready: the queue is not prepared. Of `blocks` there are some when all were added. */
interface Added {
  readonly ready: boolean
  readonly blocks: readonly number[] | null
  readonly seqs: readonly number[] | null
  readonly added: readonly boolean[] | null
}

/** @returns null when there is no room for all of them; then nothing was stored. */
async function put(
  session: Session,
  queue: string,
  jobs: readonly NewJob[],
  maxLength: number | null,
  prepare: Prepare,
  hopeful: boolean,
): Promise<EnqueueResult[] | null> {
  const lines = new Lines()
  const which = jobs.map((job) => lines.of(job))
  const payloads = jobs.map(({ payload }) => kept(payload))
  const values = [
    escaped(queue),
    textArray(lines.types),
    fixedArray('int2', lines.ranks),
    lines.ranks.length === 1 ? null : fixedArray('int4', which),
    textArray(jobs.map(({ id }) => escaped(id))),
    textArray(payloads.map(({ text }) => text)),
    orNull(
      payloads.map(({ form }) => form),
      (all) => fixedArray('int2', all),
    ),
    orNull(
      payloads.map(({ bytes }) => bytes),
      (all) => fixedArray('int4', all),
    ),
    orNull(jobs.map(moreOf), textArray),
    orNull(
      jobs.map(({ dedupeMs }) => (dedupeMs === 0 ? null : dedupeMs)),
      int8s,
    ),
    orNull(jobs.map(runAtOf), int8s),
    orNull(
      jobs.map(({ expireMs }) => expireMs),
      int8s,
    ),
    orNull(
      jobs.map(({ uniqueMs }) => uniqueMs),
      int8s,
    ),
    maxLength === null ? null : String(maxLength),
    String(hopeful),
  ]
  const ask = async (): Promise<Added | null> =>
    (
      await session.json<[Added | null]>(
        `SELECT to_json(${session.s}.enqueue($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15))`,
        values,
      )
    )[0]
  const make = (): Promise<void> => prepare(escaped(queue), values[1] as Buffer, values[2] as Buffer)
  // What a caller's transaction makes, others would wait for: so it is made before it, in any case.
  if (session.inTransaction) await make()
  let answer = await ask()
  if (answer?.ready === false) {
    await make()
    answer = await ask()
  }
  if (answer === null) return null
  const { ready, blocks, seqs, added } = answer
  if (!ready) {
    throw new BackendError('BACKEND_UNAVAILABLE', `the queue "${queue}" is gone as soon as it is made`)
  }
  session.woken.add(queue)
  if (blocks !== null) {
    return jobs.map(({ id }, n) => ({
      status: 'added',
      id,
      seq: blocks[Math.floor(n / BLOCK)]! + (n % BLOCK),
    }))
  }
  return jobs.map(({ id }, n) => ({
    status: added![n] === true ? 'added' : 'duplicate',
    id,
    seq: seqs![n]!,
  }))
}

const int8s = (values: readonly (number | null)[]): Buffer => fixedArray('int8', values)

/** Null: at once. Below 0: a delay. Else a time of day; one that is over is none. */
function runAtOf({ runAt, delayMs }: NewJob): number | null {
  if (runAt === null) return delayMs > 0 ? -delayMs : null
  return runAt > 0 ? runAt : null
}

/** The types and priorities of a batch. */
class Lines {
  readonly types: string[] = []
  readonly ranks: number[] = []
  readonly #known = new Map<string, Map<number, number>>()
  #last: { type: string; priority: number; place: number } | undefined

  /** The place of a job's line, from 1. */
  of({ type, priority }: NewJob): number {
    if (this.#last?.type === type && this.#last.priority === priority) return this.#last.place
    let places = this.#known.get(type)
    if (places === undefined) this.#known.set(type, (places = new Map()))
    let place = places.get(priority)
    if (place === undefined) {
      this.types.push(escaped(type))
      place = this.ranks.push(0 - priority)
      places.set(priority, place)
    }
    this.#last = { type, priority, place }
    return place
  }
}

export async function knownSeqs(
  session: Session,
  queue: string,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await session.rows(
    `SELECT j.seq, u.n FROM unnest($2::text[]) WITH ORDINALITY u (id, n) JOIN ${session.s}.queue q ON q.name = $1
     JOIN ${session.s}.job j ON j.queue_id = q.queue_id AND j.id = u.id`,
    [escaped(queue), textArray(ids.map(escaped))],
  )
  return new Map(rows.map(([seq, n]) => [ids[Number(n) - 1]!, Number(seq)]))
}

function exceeds({ payload }: NewJob, most: number): boolean {
  // No character has more than three bytes for each of its UTF-16 units: most need not be measured.
  if (typeof payload === 'string' && payload.length * 3 <= most) return false
  return bytesOf(payload) > most
}

function tooLarge({ id, payload }: NewJob, most: number): EnqueueResult {
  const reason = `expected the payload to have at most ${most} bytes, got: ${bytesOf(payload)}`
  return { status: 'rejected', id, code: 'PAYLOAD_TOO_LARGE', reason }
}
