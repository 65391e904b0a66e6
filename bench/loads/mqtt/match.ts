import type { Contender } from '../../case.ts'

const KINDS = [
  'temperature',
  'humidity',
  'state',
  'battery',
  'firmware',
  'alarm',
  'position',
  'energy',
  'wind',
  'flow',
]
const PLANTS = 97
/** Coprime to the numbers of routes, so that topics come to all of them in no order that a cache could learn. */
const STRIDE = 7919

/** What a matcher says of a topic. */
export interface Matched {
  readonly route: { readonly filter: string }
  readonly params: Readonly<Record<string, string | undefined>>
}

/** Takes the filters of all routes, and gives the function that finds the one of a topic. */
export type Matcher = (filters: readonly string[]) => (topic: string) => Matched | undefined

/** Finds the route and parameters of topics of which no two are the same, in topics a second. */
export function matchAll(matcher: Matcher, routes: number): Contender {
  return async ({ jobs, deliveries, timed }) => {
    const filters = Array.from(
      { length: routes },
      (_, route) => `plants/{plantId}/${place(route)}/machines/{machineId}/${kind(route)}`,
    )
    const match = matcher(filters)
    const topics = Array.from({ length: jobs }, (_, job) => topicOf(job, (job * STRIDE) % routes))
    const found: (Matched | undefined)[] = Array.from({ length: jobs })
    deliveries.expect(jobs)
    const seconds = await timed(async () => {
      for (let job = 0; job < jobs; job++) found[job] = match(topics[job]!)
    })
    for (const [job, each] of found.entries()) {
      const { plantId, machineId } = each?.params ?? {}
      const right = each?.route.filter === filters[(job * STRIDE) % routes] && plantId === `p${job % PLANTS}`
      if (right && machineId === `m${job}`) deliveries.mark(job)
    }
    return jobs / seconds
  }
}

/** As it comes from a socket: not put together of parts, and of no text that was seen before. */
function topicOf(job: number, route: number): string {
  const text = `plants/p${job % PLANTS}/${place(route)}/machines/m${job}/${kind(route)}`
  return Buffer.from(text).toString()
}

const place = (route: number): string => `line-${Math.floor(route / KINDS.length)}`
const kind = (route: number): string => KINDS[route % KINDS.length]!
