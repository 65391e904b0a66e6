import type { TopicContext } from './topic-context.ts'

/**
 * Goes on: from a middleware to the next one and in the end to the handler, from a handler to the next less specific
 * route that matches. It is undefined when all that follows was synchronous, else a promise of its end. Once only.
 */
export type Next = () => unknown

/**
 * Works on one message. What it throws, or rejects with, is a failed attempt; what it returns is awaited and otherwise
 * ignored. A handler that goes on to the next route names `next` as its second parameter.
 */
export type Handler<Filter extends string = string, Payload = unknown> = (
  context: TopicContext<Filter, Payload>,
  next: Next,
) => unknown

/**
 * Surrounds handlers: what comes before `next()` runs on the way in, what comes after it on the way out. It returns
 * what `next()` gave, or awaits it; without `next()` the message ends here, as handled.
 */
export type Middleware = (context: TopicContext, next: Next) => unknown

/** True for a promise, or what is used as one. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
