import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidOptionError, show } from '../core/errors.ts'
import type { Codec } from './codec/codec.ts'
import { Codecs } from './codec/codecs.ts'
import type { CompiledRoute } from './compiled-route.ts'
import { routesOf, type Controller, type PayloadOf } from './controller.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Handler, Middleware } from './handler.ts'
import type { RouteDefaults, RouteOptions } from './route-options.ts'
import {
  compile,
  compileEntry,
  contains,
  duplicateRoute,
  gather,
  NO_SURROUNDINGS,
  within,
  type Entry,
  type RouteTree,
  type Surroundings,
} from './route-tree.ts'
import { isJobTarget, type Route } from './route.ts'
import { addToQueue, type ToQueue } from './to-queue.ts'
import { parseFilter } from './topic-filter.ts'
import type { Joined } from './topic-params.ts'

export interface RouterOptions<Prefix extends string = string> extends RouteDefaults {
  /** Stands before all filters, joined by a slash. Default: none. */
  readonly prefix?: Prefix
  /** Beside JSON, text and bytes, and before them. */
  readonly codecs?: readonly Codec[]
}

/**
 * Which topics go to which handlers:
 *
 *     const router = new Router()
 *     router.on('sensors/{sensorId}/temperature', ({ params, payload }) => {
 *       save(params.sensorId, payload.celsius)
 *     }, { schema: z.object({ celsius: z.number() }) })
 *
 * Of several routes that match, the most specific one handles a message: level by level from the left, a literal
 * before a parameter before `#`. It goes on to the others by `next()`.
 */
export class Router<Prefix extends string = ''> {
  readonly #tree: RouteTree
  /** Of a group: what it has from the router that it is part of. */
  #around: Surroundings = NO_SURROUNDINGS
  /** The filters that are taken, of the router and all its groups: as MQTT has them, and as they were written. */
  #taken = new Map<string, string>()

  /** @throws InvalidOptionError for a prefix that is no filter. */
  constructor(options: RouterOptions<Prefix> = {}) {
    const { prefix = '', codecs = [], ...defaults } = options
    this.#tree = { prefix: checkPrefix(prefix), codecs, defaults, middleware: [], entries: [] }
  }

  /**
   * Adds a route: a topic filter with `{name}` or `+` for one level and `#` for all that follow.
   * @throws InvalidOptionError for a filter or option that is wrong, and for a second route of the same topics.
   */
  on<const F extends string, S extends StandardSchemaV1 | undefined = undefined>(
    filter: F,
    handler: Handler<Joined<Prefix, F>, PayloadOf<S>>,
    options?: RouteOptions<S>,
  ): this
  /** Adds a route whose messages become jobs of a queue. Each is done when its job is stored. */
  on(filter: string, options: RouteOptions & { readonly to: ToQueue }): this
  on(filter: string, second: unknown, options: RouteOptions = {}): this {
    if (typeof second === 'function') return this.#add({ filter, handler: second as Handler, options })
    const { to } = (second ?? {}) as { readonly to?: ToQueue }
    if (isJobTarget(to))
      return this.#add({ filter, handler: addToQueue(to), options: second as RouteOptions })
    throw new InvalidOptionError(
      'handler',
      `expected route "${filter}" to have a handler or { to: { queue, type } }, got: ${show(second)}`,
    )
  }

  /** Adds middleware around all routes of this router and its groups, those that it has already included. */
  use(...middleware: readonly Middleware[]): this {
    for (const each of middleware) {
      if (typeof each === 'function') continue
      throw new InvalidOptionError('middleware', `expected middleware to be a function, got: ${show(each)}`)
    }
    this.#tree.middleware.push(...middleware)
    return this
  }

  /**
   * A part of this router whose filters begin with a prefix, which may have parameters, and whose routes have
   * defaults and middleware of their own.
   * @throws InvalidOptionError for a prefix that is no filter.
   */
  group<const P extends string>(prefix: P, defaults: RouteDefaults = {}): Router<Joined<Prefix, P>> {
    const group = new Router<string>({ ...defaults, prefix })
    group.#around = this.#here
    group.#taken = this.#taken
    this.#tree.entries.push(group.#tree)
    return group as Router<Joined<Prefix, P>>
  }

  /**
   * Makes another router part of this one, with its prefix, defaults and middleware inside those here.
   * @throws InvalidOptionError when both have a route of the same topics.
   */
  include(router: Router<string>): this {
    const tree: RouteTree = {
      ...router.#around,
      middleware: [...router.#around.middleware],
      entries: [router.#tree],
    }
    if (contains(tree, this.#tree)) {
      throw new InvalidOptionError('router', 'expected router to be another one: it cannot be part of itself')
    }
    for (const { route } of gather(tree, this.#here)) this.#take(route)
    this.#tree.entries.push(tree)
    return this
  }

  /**
   * Adds the routes of a controller: a class or an instance of one whose static `routes` names its methods, or a
   * function that is given this router.
   * @throws InvalidOptionError when `routes` names a method that is not there.
   */
  controller(controller: Controller | ((router: this) => void)): this {
    for (const entry of routesOf(controller, this)) this.#add(entry)
    return this
  }

  /** The routes as they are now, in the order in which they were written. */
  routes(): readonly Route[] {
    return this.#compile().map(({ route }) => route)
  }

  /** The routes as they are now, ready to handle messages. */
  dispatcher(): Dispatcher {
    return new Dispatcher(this.#compile())
  }

  get #here(): Surroundings {
    return within(this.#tree, this.#around)
  }

  #compile(): readonly CompiledRoute[] {
    return compile(this.#tree, this.#around)
  }

  #add(entry: Entry): this {
    this.#take(compileEntry(entry, this.#here, NO_CODECS).route)
    this.#tree.entries.push(entry)
    return this
  }

  #take({ filter, mqttFilter }: Route): void {
    const other = this.#taken.get(mqttFilter)
    if (other !== undefined) throw duplicateRoute(filter, other)
    this.#taken.set(mqttFilter, filter)
  }
}

const NO_CODECS = new Codecs()

function checkPrefix(prefix: string): string {
  if (prefix === '') return prefix
  const { levels } = parseFilter(prefix)
  if (levels.at(-1)!.kind === 'rest' || prefix.endsWith('/')) {
    throw new InvalidOptionError(
      'prefix',
      `expected prefix to be the first levels of filters, to which a slash and more are joined, got: ${show(prefix)}`,
    )
  }
  return prefix
}
