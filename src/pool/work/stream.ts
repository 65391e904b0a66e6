import { MillhandError, show, toError } from '../../core/errors.ts'
import { YIELDED, type FromWorker } from '../protocol.ts'
import { transferListOf } from '../transfer.ts'
import type { WorkContext } from './context.ts'

/** How many values the reader still wants. */
export interface StreamCredit {
  add(count: number): void
  /** Resolves when one more is wanted. */
  take(): Promise<void>
}

/** Sends what a generator yields, as far as it is wanted. @returns its return value. */
export async function pumpStream(
  source: unknown,
  number: number,
  credit: StreamCredit,
  context: WorkContext,
  post: (message: FromWorker, transfer?: ReturnType<typeof transferListOf>) => void,
): Promise<unknown> {
  const iterator = iteratorOf(source)
  const { signal } = context
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
  })
  aborted.catch(() => {})
  try {
    for (;;) {
      await Promise.race([credit.take(), aborted])
      const { done, value } = await Promise.race([iterator.next(), aborted])
      if (done === true) return value
      post({ kind: 'results', results: [number, YIELDED, value, 0] }, transferListOf(value))
    }
  } catch (thrown) {
    // Its own finally blocks run; one that hangs must not hold the task.
    void Promise.resolve(iterator.return?.()).catch(() => {})
    throw thrown
  }
}

function iteratorOf(source: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return (source as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return (source as Iterable<unknown>)[Symbol.iterator]()
  }
  throw new MillhandError(
    'INVALID_OPTION',
    `expected a function called by pool.stream() to return something that can be iterated (a generator, an async iterable), got: ${show(source)}`,
  )
}
