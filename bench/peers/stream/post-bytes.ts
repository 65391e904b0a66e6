import { Worker as Thread } from 'node:worker_threads'
import { newMessage, setNumber } from '../../loads/stream/byte-messages.ts'
import type { OpenLine } from '../../loads/stream/line.ts'
import { lineTo } from './post-message.ts'

/** Each message is one `postMessage` of its bytes. */
export const postBytes: OpenLine<number> = async (messages) => {
  const bytes = newMessage()
  const thread = new Thread(new URL('post-bytes-entry.ts', import.meta.url), { workerData: messages })
  return lineTo(thread, (n) => {
    setNumber(bytes, n)
    thread.postMessage(bytes)
  })
}
