import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../case.ts'
import { movedBy, noFakeClock, setClock } from '../fake-clock.ts'
import { jobId } from '../job.ts'
import { Trial } from '../trial.ts'
import { evenWork } from '../work.ts'

const SIZES = { full: { jobs: 3000, pauseMs: 4000 }, quick: { jobs: 800, pauseMs: 1000 } }
const HOUR_MS = 3_600_000
/** What the time of day is moved by, one after the other. */
const OFFSETS = ['+3600', '-3600', '+0'] as const

/**
 * Somebody sets the time of day of the workers, an hour ahead and two hours back. Leases do not care: nothing
 * runs twice.
 */
export const clockJump: ChaosCase = {
  name: 'clock-jump',
  title: 'the wall clock of the worker processes moves by an hour, both ways',
  quick: false,
  needs: ['libfaketime'],
  obstacle: noFakeClock,
  async run(context) {
    const { jobs, pauseMs } = SIZES[context.scale]
    const file = join(context.folder, 'time')
    setClock(file, '+0')
    const trial = await Trial.open(context, {
      processes: 3,
      concurrency: 20,
      leaseMs: 30_000,
      env: () => movedBy(file),
    })
    await trial.add(evenWork(jobs, 240))
    await trial.supervisor.start()
    for (const offset of OFFSETS) {
      await sleep(pauseMs)
      setClock(file, offset)
    }
    await trial.workedOff()
    const reached = await spreadMs(trial)
    const result = await trial.judge()
    const violations = [...result.violations]
    if (reached < 1.9 * HOUR_MS)
      violations.push('expected the workers to see the clock move, but they did not')
    return { ...result, strikes: OFFSETS.length, violations }
  },
}

/** Between the first and the last end of a job, by the clocks of the workers. */
async function spreadMs({ queue, accepted }: Trial): Promise<number> {
  let first = Infinity
  let last = -Infinity
  for (const n of accepted) {
    const finishedAt = (await queue.get(jobId(n)))?.finishedAt
    if (finishedAt === undefined || finishedAt === null) continue
    first = Math.min(first, finishedAt)
    last = Math.max(last, finishedAt)
  }
  return last - first
}
