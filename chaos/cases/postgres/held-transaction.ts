import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../../case.ts'
import { now } from '../../clock.ts'
import { Trial } from '../../trial.ts'
import { mixedWork } from '../../work.ts'

const SIZES = { full: { jobs: 20_000, heldMs: 20_000 }, quick: { jobs: 600, heldMs: 2000 } }
/** Work goes on meanwhile: so much of the jobs that fit into the time. */
const SHARE = 0.5
const PROCESSES = 3
const CONCURRENCY = 20
/** Of mixed work. */
const MEAN_MS = 135

/** Somebody has left a transaction open: it has a snapshot of all tables, and a few rows of each are locked. */
export const heldTransaction: ChaosCase = {
  name: 'held-transaction',
  title: 'a transaction stays open and idle, with a snapshot and locks',
  quick: false,
  async run(context) {
    const { jobs, heldMs } = SIZES[context.scale]
    const options = { processes: PROCESSES, concurrency: CONCURRENCY, leaseMs: 30_000 }
    const trial = await Trial.open(context, options)
    const work = mixedWork(context.seed, jobs)
    await trial.add(work.slice(0, jobs / 2))
    await trial.supervisor.start()
    const release = await trial.store.server?.holdTransaction?.()
    if (release === undefined) throw new Error('expected a store that has transactions')
    const begin = now()
    const feeding = trial.feed(work.slice(jobs / 2), heldMs / 2)
    await sleep(heldMs)
    await release()
    const end = now()
    await feeding
    await trial.workedOff()
    const result = await trial.judge()
    const done = trial.runs().filter(({ settledAt = 0 }) => settledAt > begin && settledAt < end).length
    const expected = Math.min(jobs / 2, ((SHARE * heldMs) / MEAN_MS) * PROCESSES * CONCURRENCY)
    return {
      ...result,
      strikes: 1,
      notes: [`${done} jobs were done meanwhile, in ${heldMs / 1000} s`],
      violations: [
        ...result.violations,
        ...(done < expected ? [`expected at least ${expected} jobs to be done meanwhile, got ${done}`] : []),
      ],
    }
  },
}
