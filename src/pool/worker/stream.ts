import { MillhandError, show } from '../../core/errors.ts'
import type { WorkContext } from './context.ts'
import type { StreamCredit } from './stream-credit.ts'
import { isThenable } from './thenable.ts'

/** A generator that never waits lets the event loop have its turn so often, ms. */
const TURN_MS = 5

/**
 * Hands on what a generator yields, as far as it is wanted. Ends the generator in any case, and waits for that.
 * @returns its return value.
 */
export async function pumpStream(
  source: unknown,
  credit: StreamCredit,
  context: WorkContext,
  emit: (value: unknown) => void,
): Promise<unknown> {
  const iterator = iteratorOf(source)
  let turnAt = performance.now()
  let isOver = false
  try {
    for (;;) {
      while (credit.isSpent && context.reason === undefined) await credit.changed()
      if (performance.now() - turnAt > TURN_MS) {
        await new Promise<void>((resolve) => void setImmediate(resolve))
        turnAt = performance.now()
      }
      if (context.reason !== undefined) throw context.reason
      const step = iterator.next()
      const { done, value } = isThenable(step) ? await step : step
      if (done === true) {
        isOver = true
        return value
      }
      if (context.reason !== undefined) throw context.reason
      credit.spend()
      emit(value)
    }
  } finally {
    // What its own finally blocks throw is of no interest beside what ended it.
    if (!isOver) await endOf(iterator)
  }
}

async function endOf(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  try {
    await iterator.return?.()
  } catch {
    // As above.
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
