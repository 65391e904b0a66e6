import type { Contender } from '../../case.ts'
import { silentLogger, WorkerManager } from '../../millhand.ts'
import { payload } from '../../payload.ts'
import { HANDLED, router } from './busy-router.ts'
import { Wire } from './wire.ts'

/** Messages of a shared route, each 5 ms of CPU, on so many worker processes: from the first publish to the last end. */
export function inWorkers(count: number): Contender {
  return async ({ jobs, server: url, deliveries, timed }) => {
    deliveries.expect(jobs)
    const all = Promise.withResolvers<void>()
    const listener = await Wire.open(url, `bench-${process.pid}-listener`, false)
    listener.onMessage = ({ payload: n }) => {
      deliveries.mark(Number(n.toString()))
      if (deliveries.total === jobs) all.resolve()
    }
    await listener.subscribe(HANDLED, 0)
    const manager = new WorkerManager(router, {
      ...{ groupName: `bench-${process.pid}`, clientId: `bench-${process.pid}`, logger: silentLogger },
      module: new URL('busy-router.ts', import.meta.url).href,
      connection: { url, sessionExpiry: 0 },
    })
    await manager.startWorkers(count)
    const messages = Array.from({ length: jobs }, (_, n) => ({
      topic: `bench-busy/device-${n % 100}/state`,
      payload: JSON.stringify(payload(n)),
    }))
    const publisher = await Wire.open(url, `bench-${process.pid}-publisher`, false)
    const seconds = await timed(async () => {
      await publisher.publish(messages, 1)
      await all.promise
    })
    await manager.stopWorkers()
    await publisher.close(false)
    await listener.close(false)
    return jobs / seconds
  }
}
