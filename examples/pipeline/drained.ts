import { setTimeout as sleep } from 'node:timers/promises'
import type { Queues } from './queues.ts'

const LOOK_EVERY_MS = 50

/**
 * Resolves when nothing is left to do in any queue; rejects with the reason of `signal` when that comes first.
 * Each look goes through the queues in the order in which items flow: what leaves one of them is already in the
 * next, so nothing passes behind its back.
 */
export async function drained(queues: Queues, signal: AbortSignal): Promise<void> {
  for (;;) {
    let unfinished = 0
    for (const queue of Object.values(queues)) {
      const { waiting, delayed, active } = (await queue.stats()).counts
      unfinished += waiting + delayed + active
    }
    if (unfinished === 0) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}
