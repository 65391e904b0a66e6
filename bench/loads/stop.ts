import type { Contender } from '../case.ts'
import { silentLogger, WorkerHandle } from '../millhand.ts'
import { ProcessVictim, ThreadVictim } from './victims.js'

/** What a stop may take beyond its deadline; a figure to compare with. */
export const ALLOWED = 'allowed'
const ALLOWED_MS = 200
const DEADLINE_MS = 200

/**
 * Stops of workers that ignore it, every other one with its event loop blocked: by how much the slowest missed the
 * deadline. Gone means that its thread or process has ended.
 */
export function stopStubborn(placement: 'thread' | 'process'): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    const victimClass = placement === 'thread' ? ThreadVictim : ProcessVictim
    let worst = -Infinity
    let late = 0
    await timed(async () => {
      for (let n = 0; n < jobs; n++) {
        const handle = new WorkerHandle(victimClass, { ignoresStop: true, logger: silentLogger })
        await handle.start()
        if (n % 2 === 1) handle.send('block')
        const { pid } = handle.status()
        const begun = performance.now()
        await handle.stop({ timeout: DEADLINE_MS })
        const lateMs = performance.now() - begun - DEADLINE_MS
        if (handle.status().state !== 'failed') throw new Error('expected the worker to have been killed')
        if (placement === 'process') expectGone(pid!)
        worst = Math.max(worst, lateMs)
        if (lateMs > ALLOWED_MS) late++
        deliveries.mark(n)
      }
    })
    note(ALLOWED, ALLOWED_MS)
    note('number of late ones', late)
    return worst
  }
}

function expectGone(pid: number): void {
  try {
    process.kill(pid, 0)
  } catch {
    return
  }
  throw new Error(`expected process ${pid} to be gone when stop() has resolved`)
}
