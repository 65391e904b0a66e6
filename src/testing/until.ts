import { AssertionError } from 'node:assert'
import { formatMs, toMs, type Duration } from '../core/duration.ts'
import { after } from '../core/timer.ts'

export interface UntilOptions {
  /** When to give up. Default: 5 s. */
  readonly timeout?: Duration
  /** What is waited for, for the error: "the queue to be empty". Default: the text of the condition. */
  readonly what?: string
  /** Between the end of one look and the next. Default: 5 ms. */
  readonly every?: Duration
}

/** Stands for "no answer yet": conditions may give anything else. */
const TIME_OVER: unique symbol = Symbol('time over')

/**
 * Looks again and again until `condition` gives something truthy, and resolves to that. A condition that throws
 * or rejects is looked at again, too; its last error becomes the `cause`.
 *
 *     await until(() => sent.length === 3, { what: 'three mails to be sent' })
 *     const job = await until(() => queue.get(id), { timeout: '1s' })
 *
 * @throws AssertionError "expected three mails to be sent within 5s; ..." when the time is over, also when the
 * condition itself never settles.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const timeoutMs = toMs(options.timeout ?? '5s', 'timeout')
  const everyMs = toMs(options.every ?? 5, 'every')
  const over = Promise.withResolvers<typeof TIME_OVER>()
  const cancel = after(timeoutMs, () => over.resolve(TIME_OVER))
  let looks = 0
  let last = ''
  let cause: unknown
  try {
    while (true) {
      looks++
      last = 'it has not settled'
      const seen = await Promise.race([look(condition), over.promise])
      if (seen === TIME_OVER) break
      if (seen.value) return seen.value
      cause = seen.error
      last =
        'error' in seen ? `the last one threw ${String(cause)}` : `the last one gave ${String(seen.value)}`
      if ((await Promise.race([pause(everyMs), over.promise])) === TIME_OVER) break
    }
  } finally {
    cancel()
  }
  const what = options.what ?? `${condition.toString().slice(0, 100)} to be truthy`
  const error = new AssertionError({
    message: `expected ${what} within ${formatMs(timeoutMs)}; looked ${looks} times, ${last}`,
    stackStartFn: until,
  })
  // Its constructor takes no cause.
  if (cause !== undefined) error.cause = cause
  throw error
}

type Seen<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly value?: never; readonly error: unknown }

async function look<T>(condition: () => T | Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await condition() }
  } catch (error) {
    return { error }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void after(ms, resolve))
}
