import type { Run } from './runs.ts'

/** A worker process was cut off: killed, or stopped for so long that its leases were over. */
export interface Interruption {
  readonly life: number
  readonly at: number
}

export interface Evidence {
  /** The jobs that the queue accepted. */
  readonly accepted: ReadonlySet<number>
  /** Those of which the queue says that they are done. */
  readonly done: ReadonlySet<number>
  readonly runs: readonly Run[]
  readonly interruptions: readonly Interruption[]
  /** How many jobs a worker process runs at once. */
  readonly concurrency: number
}

export interface Duplicate {
  readonly job: number
  /** The run, and the run of the same job that began before it. */
  readonly run: Run
  readonly before: Run
  /** When the process of the run before was interrupted, if it was. */
  readonly interruptedAt: number | undefined
  readonly explained: boolean
}

export interface Verdict {
  readonly jobs: number
  /** Accepted, and never run to the end, or not done for the queue. */
  readonly lost: readonly number[]
  /** Each run of a job beyond its first. */
  readonly duplicates: readonly Duplicate[]
  /** Run although nobody had them accepted: they may be there, but are told. */
  readonly unaccepted: readonly number[]
  /** How many runs each interruption cut off. */
  readonly cutOff: readonly number[]
  /** From each interruption that cut runs off until the last of those jobs ran again, ms. */
  readonly recoveriesMs: readonly number[]
}

/** What a process did so shortly before its end need not have reached the queue. */
export const SETTLE_MS = 10

/**
 * Compares what the jobs wrote themselves with what the queue says.
 *
 * A second run is explained only when the run before it was cut off: its process was interrupted after it began,
 * before the store had acknowledged its end, and the second run began after that. And one interruption explains
 * no more than the concurrency of its process and what returned within SETTLE_MS before it.
 */
export function judge({ accepted, done, runs, interruptions, concurrency }: Evidence): Verdict {
  const byJob = Map.groupBy(
    runs.toSorted((a, b) => a.startedAt - b.startedAt),
    (run) => run.job,
  )
  const ran = (job: number): boolean => byJob.get(job)?.some((run) => run.endedAt !== undefined) === true
  const repeated = interruptions.map((interruption) => mayRepeat(runs, interruption, concurrency))
  const duplicates: Duplicate[] = []
  for (const [job, ofJob] of byJob) {
    for (const [at, run] of ofJob.entries()) {
      if (at === 0) continue
      const before = ofJob[at - 1]!
      const explained = interruptions.some((each, k) => repeated[k]!.has(before) && run.startedAt >= each.at)
      const interruptedAt = interruptions.find(({ life }) => life === before.life)?.at
      duplicates.push({ job, run, before, interruptedAt, explained })
    }
  }
  const cutOff = interruptions.map((interruption) => runs.filter((run) => wasCutOff(run, interruption)))
  return {
    jobs: accepted.size,
    lost: [...accepted].filter((job) => !ran(job) || !done.has(job)),
    duplicates,
    unaccepted: [...byJob.keys()].filter((job) => !accepted.has(job)),
    cutOff: cutOff.map((victims) => victims.length),
    recoveriesMs: cutOff.flatMap((victims, at) => {
      const againAt = victims.map((victim) => nextStart(byJob.get(victim.job)!, victim))
      return victims.length === 0 ? [] : [Math.max(...againAt) - interruptions[at]!.at]
    }),
  }
}

/** The runs that an interruption excuses from having been the last of their job. */
function mayRepeat(runs: readonly Run[], { life, at }: Interruption, concurrency: number): Set<Run> {
  // A process dies a moment after the signal was sent, and may begin something until then.
  const unsettled = runs.filter(
    (run) => run.life === life && run.startedAt <= at + SETTLE_MS && run.settledAt === undefined,
  )
  const returnedAt = (run: Run): number => run.returnedAt ?? Infinity
  const justReturned = runs.filter(
    (run) => run.life === life && returnedAt(run) >= at - SETTLE_MS && returnedAt(run) <= at,
  )
  const latestFirst = unsettled.toSorted((a, b) => returnedAt(b) - returnedAt(a) || b.startedAt - a.startedAt)
  return new Set(latestFirst.slice(0, concurrency + justReturned.length))
}

/** Its handler ran at that moment. */
export function wasCutOff(run: Run, { life, at }: Interruption): boolean {
  return run.life === life && run.startedAt <= at && (run.returnedAt === undefined || run.returnedAt > at)
}

/** Infinity when the job never ran again. */
function nextStart(ofJob: readonly Run[], run: Run): number {
  return ofJob[ofJob.indexOf(run) + 1]?.startedAt ?? Infinity
}

/** How long before the interruption the handler had returned, ms; 0 when it had not. */
export function returnedBefore({ before, interruptedAt }: Duplicate): number {
  if (before.returnedAt === undefined || interruptedAt === undefined) return 0
  return Math.max(0, interruptedAt - before.returnedAt)
}

/** @returns NaN of nothing. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}
