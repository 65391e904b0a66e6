import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../case.ts'
import { keptMiB } from '../heap.ts'
import { Server, silentLogger } from '../millhand.ts'
import { expectHeld, held } from './held.ts'
import { nextEvent } from './next-event.ts'
import { ProcessVictim, ThreadVictim } from './victims.js'

/** The note of what the process kept before. */
export const HEAP_BEFORE = 'heap before'
/** So many first, for what is made once and kept. */
const WARM_UP = 5
/** For what ends by itself soon. */
const SETTLE_MS = 1000

/**
 * A worker in a thread and one in a process fail and are started again, side by side: by how much the heap of their
 * server grew. What it holds open, its listeners and its timers must be exactly those of before.
 */
export function restartCycles(): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    const server = new Server({ logger: silentLogger, backoff: 0, intensity: 1_000_000 })
    server.add(ThreadVictim, { name: 'thread' }).add(ProcessVictim, { name: 'process' })
    await server.start()
    const cycles = async (name: string, count: number, onRestart: () => void): Promise<void> => {
      const victim = server.get(name)
      for (let n = 0; n < count; n++) {
        const started = nextEvent(victim, 'startup')
        victim.send('throw')
        await started
        onRestart()
      }
    }
    const inBoth = (count: number, onRestart: () => void): Promise<unknown> =>
      Promise.all(['thread', 'process'].map((name) => cycles(name, count, onRestart)))
    await inBoth(WARM_UP, () => {})
    let restarts = 0
    let growth = 0
    await timed(async () => {
      await sleep(SETTLE_MS)
      const before = held()
      const heap = await keptMiB()
      note(HEAP_BEFORE, heap)
      await inBoth(jobs / 2, () => deliveries.mark(restarts++))
      await expectHeld(before)
      growth = (await keptMiB()) - heap
    })
    await server.stop()
    return growth
  }
}
