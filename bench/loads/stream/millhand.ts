import { silentLogger, StreamGroup } from '../../millhand.ts'
import { BookWorker } from './book-worker.ts'
import type { OpenLine } from './line.ts'
import type { Report } from './receipts.ts'

/** One worker as users start it; what is not given is as it comes. Texts are read by JSON.parse, bytes by the scanner. */
export function throughGroup(placement: 'thread' | 'process', form: 'texts' | 'bytes' = 'texts'): OpenLine {
  return async (frames, timed = false) => {
    const { keys } = frames
    const data = frames[form]
    const group = new StreamGroup(BookWorker, {
      ...{ placement, logger: silentLogger },
      options: { messages: keys.length, timed },
    })
    await group.start()
    return {
      post: (n) => group.route(keys[n]!, data[n]!),
      drained: () => group.settled(),
      report: async () => (await group.query(keys[0]!, undefined, { timeout: '30s' })) as Report,
      close: () => group.stop(),
    }
  }
}
