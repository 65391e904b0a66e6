import { StateError, toError } from '../core/errors.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { Delivery, Outcome } from './delivery.ts'
import { isPromise, type Handler, type Middleware, type Next } from './handler.ts'
import type { TopicMessage } from './message.ts'
import type { Route } from './route.ts'
import { UndecodableError } from './payload-check.ts'
import { TopicContext, type Reading } from './topic-context.ts'

const HANDLED: Outcome = Object.freeze({ kind: 'handled' })

/** Finds the route that is so many places behind the most specific one. */
export type Follow = (message: TopicMessage, place: number) => Endpoint | undefined

/** A route with its middleware and handler, ready to run. */
export class Endpoint {
  readonly route: Route
  /** Its place among the routes of its dispatcher. */
  readonly index: number
  readonly #reading: Reading
  readonly #steps: readonly Middleware[]
  readonly #handler: Handler
  /** A function says by the number of its parameters whether it may go on; most do not, and need no `next`. */
  readonly #goesOn: boolean
  readonly #follow: Follow

  constructor(reading: Reading, { middleware, handler }: CompiledRoute, index: number, follow: Follow) {
    this.route = reading.route
    this.index = index
    this.#reading = reading
    this.#steps = middleware
    this.#handler = handler
    this.#goesOn = handler.length > 1
    this.#follow = follow
  }

  /**
   * Handles a message; again for a retry. Synchronous when middleware, schema and handler are.
   * @returns what became of it; it never throws or rejects.
   */
  run(message: TopicMessage, delivery: Delivery): Outcome | Promise<Outcome> {
    let result: unknown
    try {
      result = this.#call(message, delivery, 0)
    } catch (error) {
      return this.#failed(error)
    }
    return isPromise(result) ? this.#settled(result) : HANDLED
  }

  async #settled(result: PromiseLike<unknown>): Promise<Outcome> {
    try {
      await result
      return HANDLED
    } catch (error) {
      return this.#failed(error)
    }
  }

  #failed(thrown: unknown): Outcome {
    const error = toError(thrown)
    return { kind: error instanceof UndecodableError ? 'undecodable' : 'failed', route: this.route, error }
  }

  /**
   * @param place how many more specific routes handled the message before.
   * @param passed the middleware that is around it already: none surrounds a message twice.
   */
  #call(
    message: TopicMessage,
    delivery: Delivery,
    place: number,
    passed: readonly Middleware[] = NONE,
  ): unknown {
    const context = new TopicContext(this.#reading, message, delivery)
    const steps = passed.length === 0 ? this.#steps : this.#steps.filter((each) => !passed.includes(each))
    const call = { context, delivery, place, passed }
    return steps.length === 0 ? this.#handle(call) : this.#step(steps, 0, call)
  }

  #step(steps: readonly Middleware[], index: number, call: Call): unknown {
    const step = steps[index]
    if (step === undefined) return this.#handle(call)
    return around(step, call.context, () => this.#step(steps, index + 1, call))
  }

  #handle(call: Call): unknown {
    const checking = TopicContext.ready(call.context)
    return checking === undefined ? this.#invoke(call) : checking.then(() => this.#invoke(call))
  }

  #invoke({ context, delivery, place, passed }: Call): unknown {
    if (!this.#goesOn) return this.#handler(context, notNamed)
    return around(this.#handler, context, () => {
      const { message } = context
      const following = this.#follow(message, place + 1)
      if (following === undefined) return undefined
      return following.#call(message, delivery, place + 1, [...passed, ...this.#steps])
    })
  }
}

/** One message on its way through one route. */
interface Call {
  readonly context: TopicContext
  readonly delivery: Delivery
  readonly place: number
  readonly passed: readonly Middleware[]
}

const NONE: readonly Middleware[] = []
const NOT_YET = Symbol('next() was not called yet')

/** Calls a middleware, or a handler that may go on, with a `next` that works once. */
function around(step: Middleware, context: TopicContext, onward: () => unknown): unknown {
  let inner: unknown = NOT_YET
  const next: Next = () => {
    if (inner !== NOT_YET) {
      throw new StateError(`expected next() to be called once for a message to "${context.topic}"`)
    }
    inner = undefined
    inner = onward()
    return inner
  }
  const result = step(context, next)
  // One that did not return the promise of what follows cannot have waited for it: the message is not done before.
  return !isPromise(result) && isPromise(inner) ? inner : result
}

function notNamed(): never {
  throw new StateError('expected a handler that calls next() to name it as its second parameter')
}
