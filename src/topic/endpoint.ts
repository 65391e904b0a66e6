import { StateError, toError } from '../core/errors.ts'
import { capturesOf } from './capture.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { Delivery, Outcome } from './delivery.ts'
import { isPromise, type Handler, type Middleware, type Next } from './handler.ts'
import type { TopicMessage } from './message.ts'
import type { Route } from './route.ts'
import { TopicContext, UndecodableError, type Reading } from './topic-context.ts'

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

  constructor({ route, levels, codecs, middleware, handler }: CompiledRoute, index: number, follow: Follow) {
    this.route = route
    this.index = index
    this.#reading = { route, captures: capturesOf(levels), codecs }
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

  /** @param place how many more specific routes handled the message before. */
  #call(message: TopicMessage, delivery: Delivery, place: number): unknown {
    const context = new TopicContext(this.#reading, message, delivery)
    if (this.#steps.length === 0) return this.#handle(context, delivery, place)
    return this.#step(context, 0, () => this.#handle(context, delivery, place))
  }

  #step(context: TopicContext, index: number, handle: () => unknown): unknown {
    const step = this.#steps[index]
    return step === undefined ? handle() : around(step, context, () => this.#step(context, index + 1, handle))
  }

  #handle(context: TopicContext, delivery: Delivery, place: number): unknown {
    const checking = TopicContext.ready(context)
    if (checking === undefined) return this.#invoke(context, delivery, place)
    return checking.then(() => this.#invoke(context, delivery, place))
  }

  #invoke(context: TopicContext, delivery: Delivery, place: number): unknown {
    if (!this.#goesOn) return this.#handler(context, notNamed)
    return around(this.#handler, context, () => {
      const following = this.#follow(context.message, place + 1)
      return following === undefined ? undefined : following.#call(context.message, delivery, place + 1)
    })
  }
}

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
