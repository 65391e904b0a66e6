import type { Qos } from './message.ts'
import { compareSpecificity, covers, Overlaps } from './overlap.ts'
import type { RetainedPolicy } from './route-options.ts'
import type { Route } from './route.ts'
import type { Level } from './topic-filter.ts'

/** What to subscribe to, for one route or several. */
export interface Subscription {
  /** As MQTT has it; of a shared one without `$share` and group. */
  readonly filter: string
  readonly shared: boolean
  /** The highest of its routes. */
  readonly qos: Qos
  readonly retained: RetainedPolicy
  /**
   * The identifier to subscribe with (MQTT 5), by which copies are told apart; undefined where no other subscription
   * of the router overlaps. It is made of the filter and of those that overlap: a message that waited for us since
   * before one of them was there comes with another identifier, and is handled.
   */
  readonly id: number | undefined
  /** Those that its filter covers; the first is its own. */
  readonly routes: readonly Route[]
}

interface Planned {
  readonly route: Route
  readonly levels: readonly Level[]
  readonly covered: Route[]
}

/** MQTT allows 1 to 268,435,455. */
const ID_BITS = 28

/**
 * The fewest subscriptions that bring all messages of these routes, the most specific first. A route needs none of
 * its own when another of the same kind covers it: brokers send a copy for each subscription that matches, and what
 * is not subscribed to twice does not come twice.
 */
export function planSubscriptions(
  routes: readonly { readonly route: Route; readonly levels: readonly Level[] }[],
): readonly Subscription[] {
  const overlaps = new Overlaps<Planned>()
  const all = routes.map(({ route, levels }): Planned => ({ route, levels, covered: [] }))
  for (const each of all) overlaps.add(each.levels, each)
  const roots: Planned[] = []
  for (const each of all) {
    const wider = overlaps.of(each.levels).filter((other) => other !== each && coversAlike(other, each))
    const root = wider.find((one) => !wider.some((other) => other !== one && coversAlike(other, one)))
    if (root === undefined) roots.push(each)
    else root.covered.push(each.route)
  }
  roots.sort((a, b) => compareSpecificity(a.levels, b.levels))
  const own = new Set(roots)
  const taken = new Set<number>()
  return roots.map((root) => {
    const rivals = overlaps.of(root.levels).filter((other) => other !== root && own.has(other))
    const { route, covered } = root
    return {
      filter: route.mqttFilter,
      shared: route.shared,
      qos: covered.reduce<Qos>((qos, each) => (each.qos > qos ? each.qos : qos), route.qos),
      retained: route.retained,
      id: rivals.length === 0 ? undefined : idOf(root, rivals, taken),
      routes: [route, ...covered],
    }
  })
}

function coversAlike(wide: Planned, narrow: Planned): boolean {
  const [a, b] = [wide.route, narrow.route]
  const alike = a.shared === b.shared && a.workerCount === b.workerCount && a.retained === b.retained
  return alike && covers(wide.levels, narrow.levels)
}

function idOf(root: Planned, rivals: readonly Planned[], taken: Set<number>): number {
  const text = [nameOf(root), ...rivals.map(nameOf).sort()].join('\n')
  let id = hash(text)
  while (id === 0 || taken.has(id)) id = (id + 1) % 2 ** ID_BITS
  taken.add(id)
  return id
}

function nameOf({ route: { shared, mqttFilter } }: Planned): string {
  return `${shared ? 'shared' : 'plain'} ${mqttFilter}`
}

/** FNV-1a, folded to the bits that an identifier has. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return (value ^ (value >>> ID_BITS)) & (2 ** ID_BITS - 1)
}
