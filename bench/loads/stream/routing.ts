import type { Contender } from '../../case.ts'
import { silentLogger, StreamGroup } from '../../millhand.ts'
import { keyNumber, newMessage, setNumber } from './byte-messages.ts'
import { ByteWorker } from './byte-worker.ts'
import { countIn } from './line.ts'
import type { Report } from './receipts.ts'

/** Fewer than a slot has room for, so that none waits for the worker. */
const BURST = 4_000

/** What a call of `route` takes, ns, with messages of so many keys in no order. Each key is known when it begins. */
export function routing(keyCount: number): Contender {
  return async (run) => {
    const { jobs, timed } = run
    const bytes = newMessage()
    const messages = keyCount + jobs
    const group = new StreamGroup(ByteWorker, {
      logger: silentLogger,
      snapshots: false,
      options: { messages },
    })
    await group.start()
    let nanoseconds = 0
    const burst = async (from: number, to: number, keyOf: (n: number) => string): Promise<void> => {
      // As they come out of whatever they were read from: no text that was seen before.
      const keys = Array.from({ length: to - from }, (_, n) => keyOf(from + n))
      const begun = process.hrtime.bigint()
      for (let n = from; n < to; n++) {
        setNumber(bytes, n)
        if (group.route(keys[n - from]!, bytes) !== undefined) throw new Error('expected room for a burst')
      }
      nanoseconds += Number(process.hrtime.bigint() - begun)
      await group.settled()
    }
    const all = async (from: number, to: number, keyOf: (n: number) => string): Promise<void> => {
      for (let n = from; n < to; n += BURST) await burst(n, Math.min(to, n + BURST), keyOf)
    }
    await all(0, keyCount, keyNumber)
    nanoseconds = 0
    let random = 1
    await timed(() =>
      all(keyCount, messages, () => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0
        return keyNumber(Math.floor(((random >>> 0) / 2 ** 32) * keyCount))
      }),
    )
    countIn(run, messages, (await group.query(keyNumber(0), undefined, { timeout: '30s' })) as Report)
    await group.stop()
    return nanoseconds / jobs
  }
}
