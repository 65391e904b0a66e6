import type { Contender } from '../case.ts'
import { ShutdownError, silentLogger, WorkerHandle } from '../millhand.ts'
import { nextEvent } from './next-event.ts'
import { ProcessVictim, ThreadVictim } from './victims.js'

/** The threshold, in a note: a figure to compare with. */
export const THRESHOLD = 'threshold'
export const THRESHOLD_MS = 1000

/** From `while (true)` in a worker until its event `stalled`: the slowest. */
export function seeStall(placement: 'thread' | 'process'): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    const victimClass = placement === 'thread' ? ThreadVictim : ProcessVictim
    let slowest = 0
    await timed(async () => {
      for (let n = 0; n < jobs; n++) {
        const handle = new WorkerHandle(
          victimClass,
          { logger: silentLogger },
          { stallThreshold: THRESHOLD_MS },
        )
        await handle.start()
        const stalled = nextEvent(handle, 'stalled')
        const begun = performance.now()
        handle.send('block')
        await stalled
        slowest = Math.max(slowest, performance.now() - begun)
        await handle.kill({ kind: 'stalled', error: new ShutdownError('it has been seen') })
        deliveries.mark(n)
      }
    })
    note(THRESHOLD, THRESHOLD_MS)
    return slowest
  }
}
