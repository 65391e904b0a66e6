import { silentLogger, StreamGroup } from '../../millhand.ts'
import { keyNumber, newMessage, setNumber } from './byte-messages.ts'
import { ByteWorker } from './byte-worker.ts'
import type { OpenLine } from './line.ts'
import type { Report } from './receipts.ts'

const KEYS = 100

/** Bytes in, bytes out, in a thread. */
export const bytesThroughGroup: OpenLine<number> = async (messages) => {
  const keys = Array.from({ length: KEYS }, (_, n) => keyNumber(n))
  const bytes = newMessage()
  const group = new StreamGroup(ByteWorker, { logger: silentLogger, options: { messages } })
  await group.start()
  return {
    post(n) {
      setNumber(bytes, n)
      return group.route(keys[n % KEYS]!, bytes)
    },
    drained: () => group.settled(),
    report: async () => (await group.query(keys[0]!, undefined, { timeout: '30s' })) as Report,
    close: () => group.stop(),
  }
}
