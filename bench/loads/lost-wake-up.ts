import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../case.ts'
import { payload } from '../payload.ts'
import { millhandInstance, QUEUES, startAll } from './idle.ts'
import { openQueues, type OpenStore } from './store.ts'
import { WakeUpFilter, type IsWakeUp } from './wake-up-filter.ts'

/** The note of how long it may take. */
export const ALLOWED = '5 s'

/** A job in each queue of idle workers, to which no wake-up comes: until the last of them has started. */
export function lostWakeUp(open: OpenStore, isWakeUp: IsWakeUp): Contender {
  return async (run) => {
    const { jobs, folder, server, deliveries, timed, note } = run
    note(ALLOWED, 5000)
    const filter = await WakeUpFilter.before(server, isWakeUp)
    const place = { jobs, deliveries, folder, server: filter.url }
    const { instances, arrivals } = await startAll(millhandInstance(open), place)
    // What is done once at the start would find the jobs as well.
    await sleep(500)
    filter.lose()
    const backend = open(run)
    const queues = openQueues(backend, QUEUES)
    const seconds = await timed(async () => {
      await Promise.all(
        Array.from({ length: jobs }, (_, n) => queues[n % queues.length]!.add('noop', payload(n))),
      )
      await arrivals
    })
    if (filter.lost === 0) throw new Error('expected wake-ups to be lost, but there were none')
    await Promise.all(instances.map((each) => each.stop()))
    await backend.close()
    filter.close()
    return seconds * 1000
  }
}
