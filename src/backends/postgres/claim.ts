import { InvalidOptionError, show } from '../../core/errors.ts'
import type { ClaimRequest, ClaimResult } from '../../queue/backend.ts'
import type { ClaimedJob } from '../../queue/job.ts'
import { textArray } from './arrays.ts'
import { claimedOf } from './row.ts'
import type { Session } from './session.ts'
import { escaped, unescaped } from './text.ts'

/** @throws InvalidOptionError unless the token is one of the owner: its jobs are found by that. */
export function checkToken({ owner, token }: ClaimRequest): void {
  if (token.startsWith(`${owner}:`) && !token.includes(':', owner.length + 1)) return
  throw new InvalidOptionError('token', `expected token to be "${owner}:" and a number, got: ${show(token)}`)
}

/** What the server said to a claim. */
export interface Taken extends ClaimResult {
  /** Nothing was taken: these are in the way, for they were to be started before now. Expire them, and ask again. */
  readonly late: readonly string[]
}

export function takeValues(request: ClaimRequest): unknown[] {
  const { queue, types, token, limit, maxBytes, start, leaseMs, renewForMs, suspects } = request
  return [
    escaped(queue),
    textArray([...new Set(types)].map(escaped)),
    escaped(token),
    String(limit),
    String(maxBytes),
    String(start),
    String(Math.round(leaseMs)),
    renewForMs === null ? null : String(Math.round(renewForMs)),
    String(suspects === 'only'),
  ]
}

export async function take(session: Session, request: ClaimRequest): Promise<Taken> {
  const [taken] = await session.json<[TakenJson]>(
    `SELECT to_json(${session.s}.take($1, $2, $3, $4, $5, $6, $7, $8, $9))`,
    takeValues(request),
  )
  return readTaken(taken, request.token)
}

type Rare = readonly [
  seq: number,
  form: number | null,
  more: string | null,
  note: string | null,
  crashes: number | null,
  expiresAt: number | null,
]
const PLAIN: Rare = [0, null, null, null, null, null]

/** The composite type `taken`: what has to do with jobs is null when there are none. */
export interface TakenJson {
  readonly seqs: readonly number[] | null
  readonly line_ids: readonly number[]
  readonly ids: readonly string[]
  readonly payloads: readonly string[]
  readonly created: readonly number[]
  /** Of those that have any of it. */
  readonly rare: readonly Rare[] | null
  /** So many of the first were started, and those of `began`. */
  readonly starts: number
  readonly began: readonly number[] | null
  readonly line_no: readonly number[]
  readonly line_type: readonly string[]
  readonly line_rank: readonly number[]
  readonly suspect: boolean | null
  readonly due_ms: number | null
  readonly paused: boolean | null
  readonly control: number | null
  readonly late: readonly string[] | null
}

const NO_JOBS: readonly ClaimedJob[] = Object.freeze([])
const NONE: readonly string[] = Object.freeze([])

export function readTaken(taken: TakenJson, token: string): Taken {
  const { seqs } = taken
  const answer = {
    suspectWaiting: taken.suspect ?? false,
    nextDueMs: taken.due_ms,
    paused: taken.paused ?? false,
    control: taken.control ?? 0,
    late: taken.late?.map(unescaped) ?? NONE,
  }
  if (seqs === null) return { ...answer, jobs: NO_JOBS }
  const lines = new Map(
    taken.line_no.map((id, n) => [id, { type: unescaped(taken.line_type[n]!), rank: taken.line_rank[n]! }]),
  )
  const rare = new Map(taken.rare?.map((one) => [one[0], one]))
  const began = new Set(taken.began)
  const jobs = seqs.map((seq, n) => {
    const [, form, more, note, crashes, expiresAt] = rare.get(seq) ?? PLAIN
    return claimedOf({
      ...lines.get(taken.line_ids[n]!)!,
      id: taken.ids[n]!,
      seq,
      payload: taken.payloads[n]!,
      form,
      more,
      note,
      crashes,
      createdAt: taken.created[n]!,
      expiresAt,
      token,
      started: n < taken.starts || began.has(seq),
    })
  })
  return { ...answer, jobs }
}
