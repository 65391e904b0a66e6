import type { Route } from '../route.ts'

/** What the spreading of routes over workers looks at. */
export type Spread = Pick<Route, 'shared' | 'workerCount'>

/**
 * Whether a slot serves a route. A route that is not shared belongs to slot 0 alone, or each worker would get each
 * message. A shared one is served by as many slots as it asks for, the lowest, and by all when it does not say: so
 * that no slot has to change what it serves when others come and go.
 */
export function serves({ shared, workerCount }: Spread, slot: number): boolean {
  return shared ? slot < (workerCount ?? Infinity) : slot === 0
}

/** How many workers the routes ask for: the largest `workerCount`; one when none is shared, none without routes. */
export function askedWorkers(routes: readonly Spread[]): number {
  if (routes.length === 0) return 0
  return Math.max(1, ...routes.map(({ shared, workerCount }) => (shared ? (workerCount ?? 1) : 1)))
}

/** With more workers than that, some would have nothing to do. Infinity when a shared route takes as many as there are. */
export function usefulWorkers(routes: readonly Spread[]): number {
  const takesAll = routes.some(({ shared, workerCount }) => shared && workerCount === undefined)
  return takesAll ? Infinity : askedWorkers(routes)
}
