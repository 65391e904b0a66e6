import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../../case.ts'
import { undoing } from '../../undoing.ts'
import { Trial } from '../../trial.ts'
import { evenWork } from '../../work.ts'
import { expectRefusal } from './refusal.ts'

const SIZES = { full: { jobs: 2000, forMs: 8000 }, quick: { jobs: 400, forMs: 2000 } }

/**
 * The database and its log can suddenly not be written, not even by those who have them open. Producers are told;
 * what was accepted is safe; work goes on when they can be written again. The third file, -shm, is left alone: it
 * is mapped into memory, and a system that takes a mapped file away ends the process.
 */
export const readOnly: ChaosCase = {
  name: 'read-only',
  title: 'the files of the store become read-only, and writable again',
  quick: false,
  obstacle: () =>
    process.platform === 'linux' && process.getuid?.() === 0
      ? undefined
      : 'only root on Linux can take open files from their writers (chattr +i)',
  async run(context) {
    const { jobs, forMs } = SIZES[context.scale]
    const trial = await Trial.open(context, { processes: 3, concurrency: 20, leaseMs: 30_000 })
    const work = evenWork(jobs, 200)
    await trial.add(work.slice(0, jobs / 2))
    await trial.supervisor.start()
    const database = join(context.folder, 'jobs.db')
    const files = [database, `${database}-wal`]
    let refusal: string[]
    execFileSync('chattr', ['+i', ...files])
    const giveBack = undoing(context.signal, () => execFileSync('chattr', ['-i', ...files]))
    try {
      refusal = await expectRefusal(() => trial.add(work.slice(jobs / 2)), /jobs\.db/)
      await sleep(forMs)
    } finally {
      giveBack()
    }
    await trial.add(work)
    await trial.workedOff()
    const result = await trial.judge()
    return { ...result, strikes: 1, violations: [...result.violations, ...refusal] }
  },
}
