import type { Outcome, ProgressUpdate, Settlement, SettleResult, StartResult } from '../../queue/backend.ts'
import type { Encoded, JobRef } from '../../queue/job.ts'
import { fixedArray, orNull, textArray } from './arrays.ts'
import { Changes, load } from './change.ts'
import { enqueue, type Prepare } from './enqueue.ts'
import { HOLDS } from './sql/holds.ts'
import type { Session } from './session.ts'
import { escaped, kept } from './text.ts'

const OK: SettleResult = Object.freeze({ status: 'ok', followUps: Object.freeze([]) })
const STALE: SettleResult = Object.freeze({ status: 'stale' })
const FOREVER = -1

type Done = Extract<Outcome, { kind: 'done' }>

/** Those of jobs that are done and leave no follow-ups, for `finish` and `exchange`: as a rule all. */
export class Plain {
  /** Where each is among all settlements. */
  readonly places: number[] = []
  readonly #tokens: string[] = []
  readonly #queues: string[] = []
  readonly #which: number[] = []
  readonly #seqs: number[] = []
  readonly #ids: string[] = []
  readonly #keeps: number[] = []
  readonly #results: (Encoded | null)[] = []

  constructor(settlements: readonly Settlement[]) {
    // With follow-ups about, all go one by one: one may have the id of a job that is settled after it.
    if (settlements.some(({ followUps }) => (followUps?.length ?? 0) > 0)) return
    const named = new Set<number>()
    for (const [place, { ref, outcome }] of settlements.entries()) {
      // What is said first of a job counts.
      if (outcome.kind === 'done' && !named.has(ref.seq)) this.#add(place, ref, outcome)
      named.add(ref.seq)
    }
  }

  #add(place: number, { queue, id, seq, token }: JobRef, { keepMs, result }: Done): void {
    let at = this.#tokens.length - 1
    while (at >= 0 && (this.#tokens[at] !== token || this.#queues[at] !== queue)) at--
    if (at < 0) {
      at = this.#tokens.push(token) - 1
      this.#queues.push(queue)
    }
    this.places.push(place)
    this.#which.push(at + 1)
    this.#seqs.push(seq)
    this.#ids.push(escaped(id))
    this.#keeps.push(keepMs === null ? FOREVER : Math.round(keepMs))
    this.#results.push(keepMs === 0 ? null : result)
  }

  get values(): unknown[] {
    const results = this.#results.map((result) => (result === null ? null : kept(result)))
    return [
      textArray(this.#tokens.map(escaped)),
      textArray(this.#queues.map(escaped)),
      fixedArray('int4', this.#which),
      fixedArray('int8', this.#seqs),
      textArray(this.#ids),
      this.#keeps.every((keep) => keep === 0) ? null : fixedArray('int8', this.#keeps),
      orNull(
        results.map((result) => result?.text ?? null),
        textArray,
      ),
      orNull(
        results.map((result) => result?.form ?? null),
        (forms) => fixedArray('int2', forms),
      ),
    ]
  }

  /** Notes in `results` what the server did. */
  note(done: readonly number[], results: (SettleResult | undefined)[]): void {
    if (done.length === this.places.length) {
      for (const place of this.places) results[place] = OK
      return
    }
    const seqs = new Set(done.map((n) => this.#seqs[n - 1]!))
    for (const [n, place] of this.places.entries()) {
      if (seqs.delete(this.#seqs[n]!)) results[place] = OK
    }
  }
}

/** Ends those that are done. @returns the results so far; undefined for what has to be looked at one by one. */
export async function finish(
  session: Session,
  settlements: readonly Settlement[],
): Promise<(SettleResult | undefined)[]> {
  const results: (SettleResult | undefined)[] = Array.from({ length: settlements.length })
  const plain = new Plain(settlements)
  if (plain.places.length === 0) return results
  const [finished] = await session.json<[number[]]>(
    `SELECT array_to_json(${session.s}.finish($1, $2, $3, $4, $5, $6, $7, $8, $9))`,
    [...plain.values, String(session.ours)],
  )
  plain.note(finished, results)
  return results
}

/** Ends claims one by one, those that have no result yet. In a transaction. */
export async function settleRest(
  session: Session,
  settlements: readonly Settlement[],
  results: (SettleResult | undefined)[],
  prepare: Prepare,
): Promise<SettleResult[]> {
  const places = settlements.flatMap((_, place) => (results[place] === undefined ? [place] : []))
  const refs = places.map((place) => settlements[place]!.ref)
  const rows = await session.rows(
    `SELECT u.n FROM ${HELD(session)} ORDER BY j.seq FOR UPDATE OF j`,
    refsOf(refs),
  )
  const held = new Set(rows.map(([n]) => places[Number(n) - 1]!))
  const { jobs, now } = await load(session, refs)
  const changes = new Changes(session, now)
  const settled = new Set<number>()
  const all = [...results]
  for (const [n, place] of places.entries()) {
    const { outcome, followUps } = settlements[place]!
    const job = held.has(place) ? jobs.get(n) : undefined
    if (job === undefined || settled.has(job.seq) || changes.apply(job, outcome) === undefined) {
      all[place] = STALE
      continue
    }
    settled.add(job.seq)
    all[place] = OK
    if (followUps === undefined || followUps.length === 0) continue
    await changes.save()
    const added = []
    for (const each of followUps)
      added.push(...(await enqueue(session, { ...each, maxLength: null }, prepare)))
    all[place] = { status: 'ok', followUps: added }
  }
  await changes.save()
  return all as SettleResult[]
}

/** Records that handlers are about to run. */
export async function start(session: Session, refs: readonly JobRef[]): Promise<StartResult[]> {
  if (refs.length === 0) return []
  const rows = await session.rows(
    // Who takes one of them away waits until it is seen as started, or is waited for.
    `WITH asked AS (SELECT u.n, c.seq, c.grant_id, c.started, q.paused FROM ${HELD(session)} FOR SHARE OF j),
       fresh AS (SELECT grant_id, array_agg(DISTINCT seq) AS seqs FROM asked
         WHERE NOT started AND NOT paused GROUP BY grant_id),
       -- Locked in the order in which settlements lock them.
       held AS (SELECT g.grant_id FROM ${session.s}.grant_ g WHERE g.grant_id IN (SELECT grant_id FROM fresh)
         ORDER BY g.grant_id FOR UPDATE),
       begun AS (UPDATE ${session.s}.grant_ g SET began = g.began || fresh.seqs FROM fresh JOIN held USING (grant_id)
         WHERE g.grant_id = fresh.grant_id RETURNING g.grant_id)
     SELECT asked.n, asked.started OR NOT asked.paused AND begun.grant_id IS NOT NULL, asked.paused
     FROM asked LEFT JOIN begun ON begun.grant_id = asked.grant_id`,
    refsOf(refs),
  )
  const results: StartResult[] = refs.map(() => 'stale')
  for (const [n, started, paused] of rows) {
    if (started === 't') results[Number(n) - 1] = 'started'
    else if (paused === 't') results[Number(n) - 1] = 'paused'
  }
  return results
}

/** Notes how far jobs are; of several notes of one job the last counts. */
export async function progress(
  session: Session,
  updates: readonly ProgressUpdate[],
): Promise<('ok' | 'stale')[]> {
  if (updates.length === 0) return []
  const rows = await session.rows(
    `WITH asked AS (SELECT u.n, c.seq, c.id, c.grant_id, q.queue_id FROM ${HELD(session)}),
       last AS (SELECT DISTINCT ON (seq) * FROM asked ORDER BY seq, n DESC),
       noted AS (UPDATE ${session.s}.job j SET progress = ($5::text[])[c.n] FROM last c
         WHERE j.queue_id = c.queue_id AND j.id = c.id AND j.seq = c.seq AND ${HOLDS} RETURNING j.seq)
     SELECT asked.n FROM asked JOIN noted ON noted.seq = asked.seq`,
    [...refsOf(updates.map(({ ref }) => ref)), textArray(updates.map((update) => escaped(update.progress)))],
  )
  const held = new Set(rows.map(([n]) => Number(n) - 1))
  return updates.map((_, n) => (held.has(n) ? 'ok' : 'stale'))
}

/** The claims that references name, by their present tokens. */
const HELD = ({ s }: Session): string => `
  unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY u (queue_name, token, seq, id, n)
  JOIN ${s}.queue q ON q.name = u.queue_name
  JOIN ${s}.claim c ON c.token = u.token AND c.queue_id = q.queue_id AND c.seq = u.seq AND c.id = u.id
  JOIN ${s}.job j ON j.queue_id = q.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS}`

function refsOf(refs: readonly JobRef[]): Buffer[] {
  return [
    textArray(refs.map(({ queue }) => escaped(queue))),
    textArray(refs.map(({ token }) => escaped(token))),
    fixedArray(
      'int8',
      refs.map(({ seq }) => seq),
    ),
    textArray(refs.map(({ id }) => escaped(id))),
  ]
}
