import { checkOptions, custom, integer, optional, type Checked, type Rule } from '../../core/options.ts'
import { isPromise, type Middleware, type Next } from '../handler.ts'
import type { TopicContext } from '../topic-context.ts'
import { counted, type Counted } from './counted.ts'
import { RecentIds, RecentSequences } from './recent.ts'

export interface DedupeOptions {
  /**
   * What a message is known by. Default: its topic and its user property `message-id`. One for which it is undefined
   * passes.
   */
  readonly id?: (context: TopicContext) => string | undefined
  /** In the place of `id`: a number that grows by key. One for which it is undefined passes. */
  readonly sequence?: (context: TopicContext) => number | undefined
  /** Whose numbers they are. Default: the topic. */
  readonly key?: (context: TopicContext) => string
  /** How many ids, or keys, are remembered. Default 10,000. */
  readonly capacity?: number
  /** How many of the last numbers of a key are remembered. One further back means that the sender began anew. Default 64. */
  readonly reach?: number
}

/** Of one `dedupe`, in messages. */
export interface DedupeStats {
  passed: number
  /** Had been handled before. */
  dropped: number
  /** Passed because nothing says which they are. */
  unknown: number
}

const isFunction = (value: unknown): boolean => typeof value === 'function'

const RULES = {
  id: custom<(context: TopicContext) => string | undefined>('a function', isFunction, () => messageId),
  sequence: optional(custom<(context: TopicContext) => number | undefined>('a function', isFunction)),
  key: custom<(context: TopicContext) => string>(
    'a function',
    isFunction,
    () =>
      ({ topic }) =>
        topic,
  ),
  capacity: integer({ min: 1, default: 10_000 }),
  reach: integer({ min: 1, default: 64 }),
} satisfies Record<string, Rule<unknown>>

/** What a message is known by, whether it was handled, and how that is remembered. */
interface Mark {
  readonly text: string
  isHandled(): boolean
  handled(): void
}

/**
 * Drops what was handled before, by an id or a sequence number of the sender's; packet ids say nothing, they are used
 * again. A message counts when it was handled: one that failed may come again, and one that comes while the first
 * is being handled waits for how that ends.
 * @throws InvalidOptionError naming the option.
 */
export function dedupe(options: DedupeOptions = {}): Counted<DedupeStats> {
  const markOf = marker(checkOptions('dedupe', RULES, options))
  const running = new Map<string, PromiseLike<unknown>>()
  const stats: DedupeStats = { passed: 0, dropped: 0, unknown: 0 }

  const run = (mark: Mark, next: Next): unknown => {
    if (mark.isHandled()) {
      stats.dropped++
      return undefined
    }
    const other = running.get(mark.text)
    if (other !== undefined) {
      const again = (): unknown => run(mark, next)
      return other.then(again, again)
    }
    const result = next()
    stats.passed++
    if (isPromise(result)) return watched(mark, result)
    mark.handled()
    return result
  }
  const watched = async (mark: Mark, result: PromiseLike<unknown>): Promise<void> => {
    running.set(mark.text, result)
    try {
      await result
      mark.handled()
    } finally {
      running.delete(mark.text)
    }
  }
  const middleware: Middleware = (context, next) => {
    const mark = markOf(context)
    if (mark !== undefined) return run(mark, next)
    stats.unknown++
    return next()
  }
  return counted(middleware, stats)
}

function messageId({ topic, message }: TopicContext): string | undefined {
  const id = message.properties.userProperties?.['message-id']
  return id === undefined ? undefined : `${topic}\n${String(id)}`
}

function marker(options: Checked<typeof RULES>): (context: TopicContext) => Mark | undefined {
  const { id: idOf, sequence: sequenceOf, key: keyOf, capacity, reach } = options
  if (sequenceOf === undefined) {
    const ids = new RecentIds(capacity)
    return (context) => {
      const id = idOf(context)
      if (id === undefined) return undefined
      return { text: id, isHandled: () => ids.has(id), handled: () => ids.add(id) }
    }
  }
  const sequences = new RecentSequences(capacity, reach)
  return (context) => {
    const sequence = sequenceOf(context)
    if (sequence === undefined) return undefined
    const key = keyOf(context)
    return {
      text: `${key}\n${sequence}`,
      isHandled: () => sequences.has(key, sequence),
      handled: () => sequences.add(key, sequence),
    }
  }
}
