import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase, ChaosContext, CaseResult } from '../case.ts'
import { mixedWork } from '../work.ts'
import { strikes } from '../schedule.ts'
import { Trial } from '../trial.ts'

interface Size {
  readonly jobs: number
  readonly strikes: number
  readonly gapMs: readonly [number, number]
  readonly leaseMs: number
  /** Of the work of a job. Default: 500. */
  readonly longestMs?: number
}

/** Worker processes are killed one after the other, while they work and while what that cut off is recovered. */
export const kill: ChaosCase = {
  name: 'kill',
  title: 'SIGKILL to one of three worker processes, again and again',
  quick: true,
  run: (context) =>
    strikeAll(context, 'SIGKILL', {
      // As many strikes as it takes to hit those, too, that recover the jobs of the first: their leases are over
      // after 30 s, the default.
      full: { jobs: 5000, strikes: 50, gapMs: [400, 1000], leaseMs: 30_000 },
      // Shorter work: what was cut off runs alone afterwards.
      quick: { jobs: 700, strikes: 10, gapMs: [300, 500], leaseMs: 2000, longestMs: 200 },
    }),
}

/** A worker that is asked to end finishes what it runs and hands back the rest: nothing runs twice. */
export const terminate: ChaosCase = {
  name: 'terminate',
  title: 'SIGTERM to one of three worker processes, again and again',
  quick: true,
  run: (context) =>
    strikeAll(context, 'SIGTERM', {
      full: { jobs: 5000, strikes: 15, gapMs: [400, 1000], leaseMs: 30_000 },
      quick: { jobs: 500, strikes: 4, gapMs: [300, 500], leaseMs: 30_000, longestMs: 200 },
    }),
}

async function strikeAll(
  context: ChaosContext,
  signal: 'SIGKILL' | 'SIGTERM',
  sizes: Record<ChaosContext['scale'], Size>,
): Promise<CaseResult> {
  const { jobs, strikes: count, gapMs, leaseMs, longestMs } = sizes[context.scale]
  const trial = await Trial.open(context, { processes: 3, concurrency: 20, leaseMs })
  const schedule = strikes(context.seed, signal, count, gapMs)
  const work = mixedWork(context.seed, jobs, longestMs)
  const atFirst = Math.floor(jobs * 0.8)
  await trial.add(work.slice(0, atFirst))
  await trial.supervisor.start()
  const feeding = trial.feed(
    work.slice(atFirst),
    schedule.reduce((sum, { afterMs }) => sum + afterMs, 0),
  )
  for (const { afterMs, aim } of schedule) {
    await sleep(afterMs)
    const interruption = await trial.supervisor.strike(signal, aim)
    // Whoever is asked to end has no excuse.
    if (signal === 'SIGKILL') trial.interruptions.push(interruption)
  }
  await feeding
  await trial.workedOff()
  return { ...(await trial.judge()), strikes: count }
}
