import type { CompiledRoute } from './compiled-route.ts'
import type { Delivery, Outcome } from './delivery.ts'
import { Endpoint } from './endpoint.ts'
import type { TopicMessage } from './message.ts'
import type { Route } from './route.ts'
import { planSubscriptions, type Subscription } from './subscription.ts'
import { Trie } from './trie.ts'

const UNROUTABLE: Outcome = Object.freeze({ kind: 'unroutable' })
const UNWANTED: Outcome = Object.freeze({ kind: 'unwanted' })

/** The routes of a router as they were when it was made, ready to handle messages. */
export class Dispatcher {
  readonly routes: readonly Route[]
  readonly #all = new Trie<Endpoint>()
  readonly #shared = new Trie<Endpoint>()
  readonly #plain = new Trie<Endpoint>()
  readonly #subscriptions: readonly Subscription[]
  /** Of each route, what it is subscribed by. */
  readonly #subscriptionOf = new Map<Route, Subscription>()
  /** Those that overlap. */
  readonly #byId = new Map<number, Subscription>()

  constructor(compiled: readonly CompiledRoute[]) {
    const follow = (message: TopicMessage, place: number): Endpoint | undefined =>
      this.#among(message).match(message.topic, place)
    this.routes = compiled.map(({ route }) => route)
    this.#subscriptions = planSubscriptions(compiled)
    for (const [index, each] of compiled.entries()) {
      const endpoint = new Endpoint(each, index, follow)
      this.#all.add(each.levels, endpoint)
      const kind = each.route.shared ? this.#shared : this.#plain
      kind.add(each.levels, endpoint)
    }
    for (const subscription of this.#subscriptions) {
      for (const route of subscription.routes) this.#subscriptionOf.set(route, subscription)
      if (subscription.id !== undefined) this.#byId.set(subscription.id, subscription)
    }
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

  #among({ subscriptionIds }: TopicMessage): Trie<Endpoint> {
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
