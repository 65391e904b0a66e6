import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../case.ts'
import { movedBy, noFakeClock, setClock } from '../fake-clock.ts'
import { Trial } from '../trial.ts'
import { evenWork } from '../work.ts'

const SIZES = { full: { jobs: 3000, pauseMs: 4000 }, quick: { jobs: 300, pauseMs: 500 } }
const OFFSETS = ['+600', '-600', '+0'] as const
/** Of what a process is asked, and what it answers, no more is in between. */
const TOLERANCE_MS = 5000

/**
 * The time of day of one worker is moved by ten minutes, twenty leases, while its neighbours keep theirs. The
 * clock of the server decides: no lease ends early, no delay is taken for over, nothing runs twice.
 */
export const workerClock: ChaosCase = {
  name: 'worker-clock',
  title: 'the time of day of one worker process moves by ten minutes, both ways',
  quick: true,
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
      env: (life): Record<string, string> => (life === 1 ? movedBy(file) : {}),
    })
    await trial.add(evenWork(jobs, 240))
    await trial.supervisor.start()
    const [moved] = trial.supervisor.ready
    const violations: string[] = []
    for (const offset of OFFSETS) {
      await sleep(pauseMs)
      setClock(file, offset)
      const seen = (await trial.supervisor.timeOf(moved!)) - Date.now()
      if (Math.abs(seen - Number(offset) * 1000) > TOLERANCE_MS)
        violations.push(`expected the clock of a worker to move by ${offset} s, but it is off by ${seen} ms`)
    }
    await trial.workedOff()
    const result = await trial.judge()
    const early = trial.runs().filter(({ abortedAt, stale }) => abortedAt !== undefined || stale === true)
    if (early.length > 0) violations.push(`${early.length} handlers were told that their leases were lost`)
    return { ...result, strikes: OFFSETS.length, violations: [...result.violations, ...violations] }
  },
}
