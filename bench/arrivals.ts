import { setTimeout as sleep } from 'node:timers/promises'

export interface Schedule {
  readonly count: number
  readonly perSecond: number
  /** @param due when it should have happened, on the clock of `performance.now()`. */
  readonly arrive: (n: number, due: number) => void
}

/**
 * Arrivals on a fixed schedule, whether or not the ones before are dealt with: what is late makes up for it at
 * once. So a system that stalls meets all that would have come meanwhile, and whoever measures from `due` counts
 * the stall for each of them.
 * @returns how late each arrival was, ms: what a timer, a busy machine or the system itself made of the schedule.
 */
export async function openLoop({ count, perSecond, arrive }: Schedule): Promise<Float64Array> {
  const late = new Float64Array(count)
  const interval = 1000 / perSecond
  const start = performance.now() + interval
  for (let n = 0; n < count; n++) {
    const due = start + n * interval
    // Asked anew for each: an arrival can take time itself.
    while (performance.now() < due) await sleep(1)
    late[n] = performance.now() - due
    arrive(n, due)
  }
  return late
}
