import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCase } from '../../case.ts'
import { undoing } from '../../undoing.ts'
import { Trial } from '../../trial.ts'
import { evenWork } from '../../work.ts'
import { expectRefusal } from './refusal.ts'

const SIZES = { full: { jobs: 4000, fullMs: 6000 }, quick: { jobs: 3000, fullMs: 1500 } }
const BALLAST = 'x'.repeat(4096)
const DISK_MIB = 64
/** Given free later; what remains does not hold all jobs. */
const RESERVE_MIB = 56
const WORK_MS = 100

/**
 * The disk of the store fills up while workers work and a producer adds, stays full for a while, and is given
 * space again. Producers are told; what was accepted is safe; work goes on by itself.
 */
export const diskFull: ChaosCase = {
  name: 'disk-full',
  title: 'the disk of the store fills up, and is given space again',
  quick: false,
  obstacle: () => (process.getuid?.() === 0 ? undefined : 'only root can mount a small disk for it'),
  async run(context) {
    const { jobs, fullMs } = SIZES[context.scale]
    const disk = join(context.folder, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk])
    const unmount = undoing(context.signal, () => execFileSync('umount', ['--lazy', disk]))
    try {
      const trial = await Trial.open(context, {
        processes: 3,
        concurrency: 20,
        leaseMs: 30_000,
        storeFolder: disk,
      })
      const reserve = join(disk, 'reserve')
      writeFileSync(reserve, Buffer.alloc(RESERVE_MIB * 1024 * 1024))
      await trial.supervisor.start()
      const violations: string[] = []
      violations.push(
        ...(await expectRefusal(() => trial.add(evenWork(jobs, WORK_MS, BALLAST)), /disk .* full/)),
      )
      const acceptedFull = trial.accepted.size
      await sleep(fullMs)
      rmSync(reserve)
      // The producer does what producers do: it tries again, with the same ids.
      await trial.add(evenWork(jobs, WORK_MS, BALLAST))
      await trial.workedOff()
      const result = await trial.judge()
      return {
        ...result,
        strikes: 1,
        notes: [`${acceptedFull} jobs were accepted until the disk was full, ${jobs} in the end`],
        violations: [...result.violations, ...violations],
      }
    } finally {
      unmount()
    }
  },
}
