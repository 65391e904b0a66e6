import { capture, capturesOfAll, type Capture } from './capture.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { Delivery, Outcome } from './delivery.ts'
import { Endpoint } from './endpoint.ts'
import type { TopicMessage } from './message.ts'
import { RouteSet } from './route-set.ts'
import type { Route } from './route.ts'
import { planSubscriptions, type Subscription } from './subscription.ts'
import { TopicReader } from './topic-reader.ts'

const UNROUTABLE: Outcome = Object.freeze({ kind: 'unroutable' })
const UNWANTED: Outcome = Object.freeze({ kind: 'unwanted' })

/** A route that takes a topic, and what it makes of it. */
export interface Match {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** The routes of a router as they were when it was made, ready to handle messages. */
export class Dispatcher {
  readonly routes: readonly Route[]
  readonly #topics: TopicReader
  readonly #captures: readonly (readonly Capture[])[]
  readonly #all: RouteSet
  readonly #shared: RouteSet
  readonly #plain: RouteSet
  readonly #subscriptions: readonly Subscription[]
  /** Of each route, what it is subscribed by. */
  readonly #subscriptionOf = new Map<Route, Subscription>()
  /** Those that overlap. */
  readonly #byId = new Map<number, Subscription>()

  constructor(compiled: readonly CompiledRoute[]) {
    const topics = new TopicReader(Math.max(1, ...compiled.map(({ levels }) => levels.length)))
    const follow = (message: TopicMessage, place: number): Endpoint | undefined =>
      this.#among(message).match(message.topic, place)
    this.routes = compiled.map(({ route }) => route)
    this.#topics = topics
    this.#captures = capturesOfAll(compiled.map(({ levels }) => levels))
    const members = compiled.map((each, index) => {
      const { route, codecs, levels } = each
      const reading = { route, codecs, topics, captures: this.#captures[index]! }
      return { endpoint: new Endpoint(reading, each, index, follow), levels }
    })
    this.#all = new RouteSet(members, topics)
    this.#shared = new RouteSet(
      members.filter(({ endpoint }) => endpoint.route.shared),
      topics,
    )
    this.#plain = new RouteSet(
      members.filter(({ endpoint }) => !endpoint.route.shared),
      topics,
    )
    this.#subscriptions = planSubscriptions(compiled)
    for (const subscription of this.#subscriptions) {
      for (const route of subscription.routes) this.#subscriptionOf.set(route, subscription)
      if (subscription.id !== undefined) this.#byId.set(subscription.id, subscription)
    }
  }

  /**
   * The most specific route that takes a topic, with its parameters.
   * @returns undefined when there is none.
   */
  match(topic: string): Match | undefined {
    const index = this.#all.find(topic)
    if (index < 0) return undefined
    return { route: this.routes[index]!, params: capture(this.#captures[index]!, topic, this.#topics) }
  }

  /**
   * What must be subscribed to, in this order: where two overlap, the one that handles comes first.
   * @param serves only what brings messages of such routes. Default: all.
   */
  subscriptions(serves: (route: Route) => boolean = () => true): readonly Subscription[] {
    return this.#subscriptions.filter(({ routes }) => routes.some(serves))
  }

  /**
   * The most specific route that takes a message.
   *
   * Shared routes and plain ones that overlap are two sets, and a message goes once to each; which of the two a copy
   * is for, and whether another copy goes to the route that it belongs to, its subscription identifiers tell. Without
   * them all routes are one set, and each copy is handled.
   * @returns `unroutable` when there is none, `unwanted` when it is to be acknowledged and not handled.
   */
  find(message: TopicMessage): Endpoint | 'unwanted' | 'unroutable' {
    const endpoint = this.#among(message).match(message.topic)
    if (endpoint === undefined) return 'unroutable'
    if (message.retain && endpoint.route.retained === 'never') return 'unwanted'
    return this.#byId.size > 0 && this.#isCopy(message, endpoint) ? 'unwanted' : endpoint
  }

  /** Finds the route of a message and handles it there. It never throws or rejects. */
  dispatch(message: TopicMessage, delivery: Delivery): Outcome | Promise<Outcome> {
    const endpoint = this.find(message)
    if (typeof endpoint === 'object') return endpoint.run(message, delivery)
    return endpoint === 'unwanted' ? UNWANTED : UNROUTABLE
  }

  #among({ subscriptionIds }: TopicMessage): RouteSet {
    if (subscriptionIds === undefined || this.#byId.size === 0) return this.#all
    const subscription = this.#byId.get(subscriptionIds[0] ?? 0)
    if (subscription === undefined) return this.#all
    return subscription.shared ? this.#shared : this.#plain
  }

  /** An identifier that is not known says nothing: it is of a subscription that was made by an earlier version. */
  #isCopy({ subscriptionIds }: TopicMessage, { route }: Endpoint): boolean {
    if (subscriptionIds === undefined || subscriptionIds.length === 0) return false
    if (!subscriptionIds.every((id) => this.#byId.has(id))) return false
    const owner = this.#subscriptionOf.get(route)?.id
    return owner !== undefined && !subscriptionIds.includes(owner)
  }
}
