import { setTimeout as sleep } from 'node:timers/promises'
import type { Queues } from '../queues.ts'

/** How far the work is. */
export interface Progress {
  readonly finished: number
  readonly unfinished: number
}

const LOOK_EVERY_MS = 50

/**
 * Resolves when nothing is left to do in any queue; rejects with the reason of `signal` when that comes first.
 * Each look goes through the queues in the order in which work flows: what leaves one of them is already in the
 * next, so nothing passes behind its back.
 */
export async function drained(
  queues: Queues,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  for (;;) {
    const progress = { finished: 0, unfinished: 0 }
    for (const queue of Object.values(queues)) {
      const { waiting, delayed, blocked, active, done, dead, cancelled } = (await queue.stats()).counts
      progress.unfinished += waiting + delayed + blocked + active
      progress.finished += done + dead + cancelled
    }
    onProgress(progress)
    if (progress.unfinished === 0) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}
