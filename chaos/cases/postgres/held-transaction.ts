import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../../case.ts'
import { now } from '../../clock.ts'
import { Trial } from '../../trial.ts'
import { mixedWork } from '../../work.ts'

const SIZES = { full: { jobs: 8000, heldMs: 9000 }, quick: { jobs: 2000, heldMs: 2000 } }
/** So many of them are added meanwhile. */
const FED = 300
/** Work goes on meanwhile, at so much of its speed at least. */
const SHARE = 0.5

/** Somebody has left a transaction open: it has a snapshot of all tables, and has locked a few jobs. */
export const heldTransaction: ChaosCase = {
  name: 'held-transaction',
  title: 'a transaction stays open and idle, with a snapshot and locks',
  quick: false,
  async run(context) {
    const { jobs, heldMs } = SIZES[context.scale]
    const trial = await Trial.open(context, { processes: 3, concurrency: 20, leaseMs: 30_000 })
    const work = mixedWork(context.seed, jobs)
    await trial.add(work.slice(FED))
    await trial.supervisor.start()
    const free = now()
    await sleep(heldMs / 3)
    const release = await trial.store.server?.holdTransaction?.()
    if (release === undefined) throw new Error('expected a store that has transactions')
    const begin = now()
    const feeding = trial.feed(work.slice(0, FED), heldMs)
    await sleep(heldMs)
    await release()
    const end = now()
    await feeding
    await trial.workedOff()
    const result = await trial.judge()
    const rate = (from: number, to: number): number =>
      trial.runs().filter(({ settledAt = 0 }) => settledAt > from && settledAt <= to).length /
      ((to - from) / 1000)
    const [before, meanwhile] = [rate(free, begin), rate(begin, end)]
    const found = `${meanwhile.toFixed(0)} jobs a second meanwhile, ${before.toFixed(0)} before`
    return {
      ...result,
      strikes: 1,
      notes: [found],
      violations: [
        ...result.violations,
        ...(meanwhile < SHARE * before ? [`work slows down: ${found}`] : []),
      ],
    }
  },
}
