import type { Handler } from './handler.ts'
import type { JobTarget } from './route-options.ts'
import type { TopicContext } from './topic-context.ts'

/** A route that hands its messages to a durable queue, and is done with each when it is stored there. */
export interface ToQueue extends JobTarget {
  /** The payload of the job. Default: the decoded payload of the message. */
  readonly payload?: (context: TopicContext) => unknown
  /** The options of the job, such as an id by which the queue knows a message that came again. Default: none. */
  readonly options?: (context: TopicContext) => object | undefined
}

type Add = (type: string, payload: unknown, options?: object) => Promise<unknown>

/** The handler of a route with `to`. */
export function addToQueue({ queue, type, payload, options }: ToQueue): Handler {
  const add = queue.add.bind(queue) as unknown as Add
  return (context) =>
    add(type, payload === undefined ? context.payload : payload(context), options?.(context))
}
