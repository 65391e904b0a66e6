/** A thread that is sent each message, or many in one, by `postMessage`. */
import { once } from 'node:events'
import { Worker as Thread } from 'node:worker_threads'
import type { Line, OpenLine } from '../../loads/stream/line.ts'
import type { BooksOptions } from '../../loads/stream/books.ts'
import type { Report } from '../../loads/stream/receipts.ts'
import { Window } from './window.ts'

/** So many may be on the way, as with Millhand. */
export const ON_THE_WAY = 5_000

/** @param size messages in each `postMessage`. */
export function postMessages(size = 1): OpenLine {
  return async ({ keys, texts }, timed = false) => {
    const options: BooksOptions = { messages: keys.length, timed }
    const thread = new Thread(new URL('post-message-entry.ts', import.meta.url), { workerData: options })
    return lineTo(thread, size === 1 ? (n) => thread.postMessage(texts[n]) : inBatches(thread, texts, size))
  }
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
