import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LEDGER_FILE, MARKS, type Mark } from './ledger.ts'

/** One run of one job, as its ledger tells. Times are those of `now()`. */
export interface Run {
  readonly job: number
  readonly token: string
  /** Which worker process of the run it was; unlike a process id never used again. */
  readonly life: number
  readonly startedAt: number
  /** When its work was done. */
  endedAt?: number
  /** When its handler had handed over to the queue. */
  returnedAt?: number
  /** When its process learned that the store knows that it is done. */
  settledAt?: number
  /** When its signal aborted. */
  abortedAt?: number
  /** The queue reported that its settle came too late. */
  stale?: boolean
}

/** All runs of which the ledgers in a folder tell. */
export function readRuns(folder: string): Run[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(LEDGER_FILE))
    .flatMap((file) => parseLedger(Number.parseInt(file, 10), readFileSync(join(folder, file), 'utf8')))
}

/** @throws Error at a line that no ledger writes. A last line without its end was never written whole. */
export function parseLedger(life: number, text: string): Run[] {
  const runs: Run[] = []
  const byClaim = new Map<string, Run>()
  for (const line of text.split('\n').slice(0, -1)) {
    const [mark, job, token, , time] = line.split(' ')
    if (!MARKS.includes(mark as Mark) || token === undefined || time === undefined) {
      throw new Error(`expected a line of a ledger, got: ${line}`)
    }
    const at = Number(time)
    if (mark === 'start') {
      const run = { job: Number(job), token, life, startedAt: at }
      runs.push(run)
      byClaim.set(`${job} ${token}`, run)
      continue
    }
    const run = mark === 'stale' ? refused(runs, Number(job)) : byClaim.get(`${job} ${token}`)
    if (run === undefined) throw new Error(`expected the start of job ${job} before: ${line}`)
    if (mark === 'end') run.endedAt = at
    else if (mark === 'return') run.returnedAt = at
    else if (mark === 'settle') run.settledAt = at
    else if (mark === 'abort') run.abortedAt = at
    else run.stale = true
  }
  return runs
}

/** The queue does not say of which claim a stale settle was: of the first that was not answered otherwise. */
function refused(runs: readonly Run[], job: number): Run | undefined {
  return runs.find((run) => run.job === job && run.settledAt === undefined && run.stale === undefined)
}
