import { InvalidOptionError } from '../core/errors.ts'
import { Codecs } from './codec/codecs.ts'
import type { Codec } from './codec/codec.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { Handler, Middleware } from './handler.ts'
import type { RouteDefaults, RouteOptions } from './route-options.ts'
import { makeRoute } from './route.ts'
import type { ToQueue } from './to-queue.ts'
import { parseFilter } from './topic-filter.ts'

/** A route as it was written, below a prefix. */
export interface Entry {
  readonly filter: string
  readonly handler: Handler
  readonly options: RouteOptions & { readonly to?: ToQueue }
}

/** What the routes of a router or group have in common, and the routes, groups and other routers in it. */
export interface RouteTree {
  readonly prefix: string
  readonly defaults: RouteDefaults
  readonly codecs: readonly Codec[]
  readonly middleware: Middleware[]
  /** In the order in which they were written. */
  readonly entries: (Entry | RouteTree)[]
}

/** What a tree has from those that it is part of. */
export type Surroundings = Omit<RouteTree, 'entries'>

export const NO_SURROUNDINGS: Surroundings = { prefix: '', defaults: {}, codecs: [], middleware: [] }

/**
 * The tree as part of another one. Own codecs and defaults come before those around, middleware after.
 */
export function within(tree: Surroundings, around: Surroundings): Surroundings {
  return {
    prefix: joined(around.prefix, tree.prefix),
    defaults: { ...around.defaults, ...tree.defaults },
    codecs: [...tree.codecs, ...around.codecs],
    middleware: [...around.middleware, ...tree.middleware],
  }
}

/**
 * All routes of a tree in the order in which they were written.
 * @throws InvalidOptionError for a filter or option that is wrong, and for two routes of the same topics.
 */
export function compile(tree: RouteTree, around: Surroundings): readonly CompiledRoute[] {
  const compiled = gather(tree, around)
  const known = new Map<string, string>()
  for (const { route } of compiled) {
    const other = known.get(route.mqttFilter)
    if (other !== undefined) throw duplicateRoute(route.filter, other)
    known.set(route.mqttFilter, route.filter)
  }
  return compiled
}

/** The routes of a tree within its surroundings, whether or not two of them are alike. */
export function gather(tree: RouteTree, around: Surroundings): CompiledRoute[] {
  const here = within(tree, around)
  const codecs = new Codecs(here.codecs)
  return tree.entries.flatMap((entry) =>
    'entries' in entry ? gather(entry, here) : [compileEntry(entry, here, codecs)],
  )
}

/** @throws InvalidOptionError for a filter or option that is wrong. */
export function compileEntry(
  { filter: own, handler, options }: Entry,
  { prefix, defaults, middleware }: Surroundings,
  codecs: Codecs,
): CompiledRoute {
  const filter = joined(prefix, own)
  const { levels, mqttFilter } = parseFilter(filter)
  const route = makeRoute(filter, mqttFilter, { ...defaults, ...options })
  return { route, levels, middleware, handler, codecs }
}

function joined(prefix: string, filter: string): string {
  if (prefix === '' || filter === '') return prefix + filter
  return `${prefix}/${filter}`
}

/** The error for a second route that takes the same topics as one that is there. */
export function duplicateRoute(filter: string, other: string): InvalidOptionError {
  const as = filter === other ? '' : `, which takes the same topics as "${other}"`
  return new InvalidOptionError('filter', `expected each route once, got a second "${filter}"${as}`)
}

/** True when `tree` is `wanted`, or has it in it. */
export function contains(tree: RouteTree, wanted: RouteTree): boolean {
  return tree === wanted || tree.entries.some((entry) => 'entries' in entry && contains(entry, wanted))
}
