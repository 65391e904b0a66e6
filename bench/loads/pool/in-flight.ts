import type { Contender } from '../../case.ts'
import type { OpenPool, TaskName, TaskPool } from './task-pool.ts'

/** Calls of one function, so many of them on the way at all times. Calls a second. */
export function inFlight(open: OpenPool, task: TaskName, flight: number): Contender {
  return async ({ jobs, deliveries, timed }) => {
    const pool = open(task)
    await warmUp(pool, jobs, flight)
    deliveries.expect(jobs)
    const seconds = await timed(() =>
      keepInFlight(pool.run, jobs, flight, (n) => deliveries.mark(n as number)),
    )
    await pool.close()
    return jobs / seconds
  }
}

/** Before the clock: both workers are up, and what the engine compiles is compiled, on both sides. */
async function warmUp(pool: TaskPool, jobs: number, flight: number): Promise<void> {
  const few = Math.max(Math.ceil(jobs / 10), Math.min(flight, 100))
  await keepInFlight(pool.run, few, flight, () => {})
}

/**
 * Calls with the numbers 0 to `jobs` - 1: for each result there is a further call.
 * @param onResult what a call returned.
 */
export function keepInFlight<T>(
  call: (n: number) => PromiseLike<T>,
  jobs: number,
  flight: number,
  onResult: (result: T) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0
    let done = 0
    const onValue = (value: T): void => {
      onResult(value)
      done++
      if (next < jobs) submit()
      else if (done === jobs) resolve()
    }
    const submit = (): void => {
      call(next++).then(onValue, reject)
    }
    while (next < Math.min(flight, jobs)) submit()
  })
}
