import type { Middleware } from '../handler.ts'

/** A middleware that tells what it did so far. */
export interface Counted<Stats extends object> extends Middleware {
  readonly stats: Readonly<Stats>
}

export function counted<Stats extends object>(middleware: Middleware, stats: Stats): Counted<Stats> {
  return Object.assign(middleware, { stats })
}
