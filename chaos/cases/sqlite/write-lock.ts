import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../../case.ts'
import { Trial } from '../../trial.ts'
import { evenWork } from '../../work.ts'

const SIZES = { full: { jobs: 2000, heldMs: 10_000 }, quick: { jobs: 500, heldMs: 2000 } }
/** An event loop that is held up for longer than this, more than once in a while, waits inside SQLite. */
const LOOP_MS = 50

/** Another program, a backup say, holds the write lock for ten seconds while workers work and a producer adds. */
export const writeLock: ChaosCase = {
  name: 'write-lock',
  title: 'another program holds the write lock of the file for ten seconds',
  quick: false,
  async run(context) {
    const { jobs, heldMs } = SIZES[context.scale]
    const trial = await Trial.open(context, { processes: 3, concurrency: 20, leaseMs: 30_000 })
    const work = evenWork(jobs, 100)
    await trial.add(work.slice(0, jobs / 2))
    await trial.supervisor.start()

    const holder = fork(new URL('write-lock-entry.ts', import.meta.url), [join(context.folder, 'jobs.db')], {
      execArgv: [],
    })
    context.signal.addEventListener('abort', () => holder.kill('SIGKILL'))
    await once(holder, 'message')
    const worstLoop = await trial.supervisor.measureLoops()
    const adding = trial.add(work.slice(jobs / 2))
    await sleep(heldMs)
    const { p99Ms, maxMs } = await worstLoop()
    holder.kill('SIGKILL')
    await adding

    await trial.workedOff()
    const result = await trial.judge()
    const violations = [...result.violations]
    if (p99Ms > LOOP_MS)
      violations.push(`an event loop was held up for ${p99Ms.toFixed(0)} ms (99th percentile)`)
    return {
      ...result,
      strikes: 1,
      notes: [`event loops meanwhile: p99 ${p99Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms`],
      violations,
    }
  },
}
