import type { Codecs } from './codec/codecs.ts'
import type { Handler, Middleware } from './handler.ts'
import type { Route } from './route.ts'
import type { Level } from './topic-filter.ts'

/** A route with all that its router and groups put around it. */
export interface CompiledRoute {
  readonly route: Route
  readonly levels: readonly Level[]
  /** From the outermost in. */
  readonly middleware: readonly Middleware[]
  readonly handler: Handler
  readonly codecs: Codecs
}
