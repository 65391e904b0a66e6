import { setTimeout as sleep } from 'node:timers/promises'

export interface Schedule {
  readonly count: number
  readonly perSecond: number
  /** @param due when it should have happened, on the clock of `performance.now()`. */
  readonly arrive: (n: number, due: number) => void
  /** What is waited for between looks at the clock. Default: a timer of 1 ms. */
  readonly next?: () => Promise<unknown>
}

/**
 * Arrivals on a fixed schedule, whether or not the ones before are dealt with: what is late makes up for it at
 * once. So a system that stalls meets all that would have come meanwhile, and whoever measures from `due` counts
 * the stall for each of them.
 * @returns how late each arrival was, ms: what a timer, a busy machine or the system itself made of the schedule.
 */
export async function openLoop({ count, perSecond, arrive, next = nextMs }: Schedule): Promise<Float64Array> {
  const late = new Float64Array(count)
  const interval = 1000 / perSecond
  const start = performance.now() + interval
  for (let n = 0; n < count;) {
    // What falls due meanwhile waits for the next turn: an adder that is behind must not keep the loop to itself.
    const now = performance.now()
    for (; n < count && start + n * interval <= now; n++) {
      const due = start + n * interval
      late[n] = performance.now() - due
      arrive(n, due)
    }
    await next()
  }
  return late
}

function nextMs(): Promise<void> {
  return sleep(1)
}
