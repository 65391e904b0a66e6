import { isPromise, type Next } from '../handler.ts'
import type { TopicContext } from '../topic-context.ts'
import { counted, type Counted } from './counted.ts'

export interface ConflateOptions {
  /** Of what the last value counts. Default: the topic. */
  readonly key?: (context: TopicContext) => string
}

/** Of one `conflate`, in messages. */
export interface ConflateStats {
  passed: number
  /** Given up for a newer one of the same key before their turn came. */
  conflated: number
}

/** The message of a key that waits, while another is being handled. */
interface Waiting {
  readonly next: Next
  readonly resolve: (result: unknown) => void
}

/**
 * For values of which only the last one counts. While a message is being handled, of those of the same key that
 * arrive only the newest waits; the others are done at once, and counted. So a key never has two messages under way.
 */
export function conflate({
  key: keyOf = ({ topic }) => topic,
}: ConflateOptions = {}): Counted<ConflateStats> {
  const stats: ConflateStats = { passed: 0, conflated: 0 }
  /** The keys that are being handled. */
  const lanes = new Map<string, Waiting | undefined>()

  const goOn = (key: string): void => {
    const waiting = lanes.get(key)
    lanes.delete(key)
    waiting?.resolve(run(key, waiting.next))
  }
  const run = async (key: string, next: Next): Promise<unknown> => {
    lanes.set(key, undefined)
    stats.passed++
    try {
      return await next()
    } finally {
      goOn(key)
    }
  }

  return counted((context, next) => {
    const key = keyOf(context)
    if (!lanes.has(key)) {
      // Nothing can wait for what is synchronous.
      stats.passed++
      const result = next()
      if (!isPromise(result)) return result
      lanes.set(key, undefined)
      return ending(key, result)
    }
    const before = lanes.get(key)
    if (before !== undefined) {
      stats.conflated++
      before.resolve(undefined)
    }
    return new Promise((resolve) => lanes.set(key, { next, resolve }))
  }, stats)

  async function ending(key: string, result: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await result
    } finally {
      goOn(key)
    }
  }
}
