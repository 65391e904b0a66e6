import { toMs, type Duration } from '../../core/duration.ts'
import { InvalidOptionError, show } from '../../core/errors.ts'
import { duration, type Rule } from '../../core/options.ts'
import { RetryPolicy, type RetryOptions } from '../../core/retry.ts'
import { isJobTarget, type Route } from '../route.ts'
import type { JobTarget } from '../route-options.ts'
import { checkTopic } from '../topic-filter.ts'

/** How a worker deals with messages, where their route does not say otherwise. */
export interface ConsumerOptions {
  /** The longest time of one attempt; when it is over its signal aborts. Default 30 s. `'none'`: no limit. */
  readonly timeout?: Duration | 'none'
  /**
   * Attempts in this process before the dead letters; false: one. Meanwhile the message keeps its place and stays
   * unacknowledged, so the delays are short. Default: 3 retries, after 200 ms, 1 s and 5 s.
   */
  readonly retry?: RetryPolicy | RetryOptions | false
  /**
   * Where a message goes that failed for good, cannot be decoded or has no route: a topic, or the jobs of a queue.
   * False: nowhere, it is logged and acknowledged. Default: the topic `millhand/dead/GROUP`.
   */
  readonly deadLetter?: string | JobTarget | false
  /** What a stop may take to handle what has arrived; the rest stays unacknowledged and comes again. Default 20 s. */
  readonly drainTimeout?: Duration
}

/** The same, checked. */
export interface WorkerDefaults {
  readonly timeoutMs: number
  readonly retry: RetryPolicy | null
  readonly deadLetter: string | JobTarget | null
  readonly drainMs: number
}

const RETRY: RetryOptions = { maxRetries: 3, baseDelay: '200ms', backoffFactor: 5, maxDelay: '5s' }

const timeout: Rule<number> = (value = '30s', option) => {
  if (value === 'none') return Infinity
  const ms = toMs(value as Duration, option)
  if (ms >= 1) return ms
  throw new InvalidOptionError(
    option,
    `expected ${option} to be at least 1 ms or 'none', got: ${show(value)}`,
  )
}

const retry: Rule<RetryPolicy | null> = (value) => {
  if (value === false) return null
  if (value instanceof RetryPolicy) return value
  return new RetryPolicy({ ...RETRY, ...(value as RetryOptions | undefined) })
}

const deadLetter: Rule<Route['deadLetter']> = (value, option) => {
  if (value === undefined || isJobTarget(value)) return value
  if (value === false) return null
  if (typeof value === 'string') return checkTopic(value, option)
  throw new InvalidOptionError(
    option,
    `expected ${option} to be a topic, { queue, type } or false, got: ${show(value)}`,
  )
}

export const CONSUMER_RULES: {
  readonly timeout: Rule<number>
  readonly retry: Rule<RetryPolicy | null>
  readonly deadLetter: Rule<Route['deadLetter']>
  readonly drainTimeout: Rule<number>
} = { timeout, retry, deadLetter, drainTimeout: duration({ default: '20s' }) }

interface CheckedConsumer {
  readonly timeout: number
  readonly retry: RetryPolicy | null
  readonly deadLetter: Route['deadLetter']
  readonly drainTimeout: number
}

export function workerDefaults(checked: CheckedConsumer, groupName: string): WorkerDefaults {
  const { timeout: timeoutMs, drainTimeout: drainMs } = checked
  return {
    ...{ timeoutMs, drainMs, retry: checked.retry },
    deadLetter: checked.deadLetter === undefined ? `millhand/dead/${groupName}` : checked.deadLetter,
  }
}
