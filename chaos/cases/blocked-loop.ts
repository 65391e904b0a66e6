import type { ChaosCase } from '../case.ts'
import type { Work } from '../job.ts'
import { Trial } from '../trial.ts'

const SIZES = { full: { jobs: 200, leaseMs: 2000 }, quick: { jobs: 40, leaseMs: 1500 } }
/** How many leases a handler lets pass while nothing else in its process runs. */
const LEASES = 3
/** One of the first that a process claims, after neighbours of it. */
const BLOCKING = 2

/**
 * A handler blocks the event loop of its process for longer than the lease. Leases are renewed from elsewhere, so
 * its neighbours keep theirs and nobody else takes their jobs, though there is a process that would.
 */
export const blockedLoop: ChaosCase = {
  name: 'blocked-loop',
  title: 'a handler blocks its event loop for three leases',
  quick: false,
  async run(context) {
    const { jobs, leaseMs } = SIZES[context.scale]
    const trial = await Trial.open(context, { processes: 2, concurrency: 5, leaseMs })
    const work = Array.from({ length: jobs }, (_, n): Work => {
      return n === BLOCKING ? { n, ms: 50, blockMs: LEASES * leaseMs } : { n, ms: 200 }
    })
    await trial.add(work)
    await trial.supervisor.start()
    await trial.workedOff()
    const result = await trial.judge()
    const runs = trial.runs()
    const blocker = runs.find(({ job }) => job === BLOCKING)!
    const neighbours = runs.filter(
      ({ job, life, startedAt, endedAt }) =>
        job !== BLOCKING &&
        life === blocker.life &&
        startedAt < blocker.endedAt! &&
        endedAt! > blocker.startedAt,
    )
    const harmed = runs.filter(({ abortedAt, stale }) => abortedAt !== undefined || stale === true)
    return {
      ...result,
      strikes: 1,
      notes: [`${neighbours.length} neighbours waited for it, and kept their leases`],
      violations: [
        ...result.violations,
        ...(neighbours.length === 0 ? ['expected the blocking handler to have neighbours, got none'] : []),
        ...(harmed.length > 0 ? [`${harmed.length} handlers were told that their leases were lost`] : []),
      ],
    }
  },
}
