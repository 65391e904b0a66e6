import { Piscina } from 'piscina'
import type { BooksOptions } from '../../loads/stream/books.ts'
import type { OpenLine } from '../../loads/stream/line.ts'
import type { Report } from '../../loads/stream/receipts.ts'
import { pathOf } from '../../places.ts'
import { Window } from './window.ts'

const filename = pathOf(new URL('piscina-tasks.ts', import.meta.url))

export interface StickySettings {
  /** Tasks that are sent to the worker at once. What would have to wait in the pool would not stay in its order. */
  readonly perWorker: number
  readonly atomics: 'sync' | 'async' | 'disabled'
}

/** A pool of one thread for each slot, since all messages of a key are to go to the same one. */
export function sticky({ perWorker, atomics }: StickySettings): OpenLine {
  return async ({ keys, texts }, timed = false) => {
    const workerData: BooksOptions = { messages: keys.length, timed, scans: true }
    const pool = new Piscina({
      ...{ filename, workerData, atomics, minThreads: 1, maxThreads: 1 },
      ...{ concurrentTasksPerWorker: perWorker, recordTiming: false },
    })
    await pool.run('', { name: 'ready' })
    const window = new Window(perWorker)
    let handled = 0
    const onHandled = (): void => window.handled(++handled)
    let failed: unknown
    const onError = (error: unknown): void => void (failed ??= error)
    return {
      post(n) {
        pool.run(texts[n]).then(onHandled, onError)
        return window.post()
      },
      drained: () => window.drained(),
      async report() {
        if (failed !== undefined) throw failed
        return (await pool.run('', { name: 'report' })) as Report
      },
      close: () => pool.destroy(),
    }
  }
}
