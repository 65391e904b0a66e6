/** A thread that is sent each message, or many in one, by `postMessage`. */
import { once } from 'node:events'
import { Worker as Thread } from 'node:worker_threads'
import type { Line, OpenLine } from '../../loads/stream/line.ts'
import type { BooksOptions } from '../../loads/stream/books.ts'
import type { Report } from '../../loads/stream/receipts.ts'
import { Window } from './window.ts'

/** So many may be on the way, as with Millhand. */
export const ON_THE_WAY = 5_000

/** Each message as its text. @param size messages in each `postMessage`; @param scans the thread reads them by the scanner. */
export function postMessages(size = 1, scans = false): OpenLine {
  return async ({ keys, texts }, timed = false) => {
    const options: BooksOptions = { messages: keys.length, timed, scans }
    const thread = new Thread(new URL('post-message-entry.ts', import.meta.url), { workerData: options })
    return lineTo(thread, size === 1 ? (n) => thread.postMessage(texts[n]) : inBatches(thread, texts, size))
  }
}

/** Each message as its key and its bytes, which the thread reads by the scanner. */
export const postKeysAndBytes: OpenLine = async ({ keys, bytes }, timed = false) => {
  const options: BooksOptions = { messages: keys.length, timed, scans: true }
  const thread = new Thread(new URL('post-message-entry.ts', import.meta.url), { workerData: options })
  // Bytes of their own memory: posting a view would copy all that it is a view of.
  const own = bytes.map((each) => new Uint8Array(each))
  return lineTo(thread, (n) => thread.postMessage({ key: keys[n]!, bytes: own[n]! }))
}

/** What sends message `n`, and what is left of a batch when there is no further one for the moment. */
type Send = ((n: number) => void) & { flush?: () => void }

function inBatches(thread: Thread, texts: readonly string[], size: number): Send {
  let batch: string[] = []
  const flush = (): void => {
    if (batch.length > 0) thread.postMessage(batch)
    batch = []
  }
  const send: Send = (n) => {
    batch.push(texts[n]!)
    if (batch.length === size) flush()
  }
  send.flush = flush
  return send
}

/** The thread is ready, and says by a number how many it has handled. */
export async function lineTo(thread: Thread, send: Send): Promise<Line> {
  await once(thread, 'message')
  const window = new Window(ON_THE_WAY)
  let reported: (report: Report) => void = () => {}
  thread.on('message', (message: number | Report) => {
    if (typeof message === 'number') window.handled(message)
    else reported(message)
  })
  return {
    post(n) {
      send(n)
      return window.post()
    },
    drained() {
      send.flush?.()
      thread.postMessage('handled?')
      return window.drained()
    },
    report() {
      const report = new Promise<Report>((resolve) => (reported = resolve))
      thread.postMessage('report')
      return report
    },
    close: async () => void (await thread.terminate()),
  }
}
