import { setImmediate as turn } from 'node:timers/promises'
import type { Contender, Run } from '../../case.ts'
import { payload } from '../../payload.ts'
import { FILTER, topicOf, type OpenSubscriber } from './subscriber.ts'
import { Wire } from './wire.ts'

export interface DrainOptions {
  readonly qos: 0 | 1
  /** What the work of a message is. Default: nothing. */
  readonly work?: () => Promise<void>
  readonly figure: 'messages/CPU-s' | 'messages/s'
}

/**
 * Messages that wait in a session: from the start of its subscriber until it has handled the last. The CPU is that of
 * this process, in which nothing else is done meanwhile.
 */
export function drained(open: OpenSubscriber, { qos, work, figure }: DrainOptions): Contender {
  return async (run) => {
    const { jobs, server: url, deliveries, timed } = run
    const clientId = `bench-${run.scale}-${process.pid}`
    deliveries.expect(jobs)
    await fill(run, clientId, qos)
    const all = Promise.withResolvers<void>()
    const mark = (n: number): void => {
      deliveries.mark(n)
      if (deliveries.total === jobs) all.resolve()
    }
    const subscriber = open({
      ...{ url, clientId, qos },
      handle:
        work === undefined
          ? (_device, { n }) => mark(n)
          : async (_device, { n }) => {
              await work()
              mark(n)
            },
    })
    let cpu = process.cpuUsage()
    const seconds = await timed(async () => {
      cpu = process.cpuUsage()
      await subscriber.start()
      await all.promise
      // What is to be acknowledged is written.
      await turn()
      await turn()
      cpu = process.cpuUsage(cpu)
    })
    await subscriber.stop()
    await expectNoneLeft(url, clientId)
    return jobs / (figure === 'messages/s' ? seconds : (cpu.user + cpu.system) / 1e6)
  }
}

/** The session is made, and left with so many messages. */
async function fill({ jobs, server: url }: Run, clientId: string, qos: 0 | 1): Promise<void> {
  const session = await Wire.open(url, clientId, true)
  await session.subscribe(FILTER, qos)
  await session.close(true)
  const publisher = await Wire.open(url, `${clientId}-publisher`, false)
  const messages = Array.from({ length: jobs }, (_, n) => ({
    topic: topicOf(n),
    payload: JSON.stringify(payload(n)),
  }))
  await publisher.publish(messages, qos)
  await publisher.close(false)
}

/** Ends the session. @throws Error when something was left in it, which nobody has acknowledged. */
async function expectNoneLeft(url: string, clientId: string): Promise<void> {
  const session = await Wire.open(url, clientId, true)
  let left = 0
  session.onMessage = () => left++
  await session.settled()
  await session.close(false)
  if (left > 0) throw new Error(`expected all messages to be acknowledged, got: ${left} that were not`)
}
