import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidOptionError, show } from '../core/errors.ts'
import { unknownName } from '../core/options.ts'
import { isPromise, type Handler } from './handler.ts'
import type { RouteOptions } from './route-options.ts'
import type { Entry } from './route-tree.ts'
import type { TopicContext } from './topic-context.ts'

/** A route of a controller: what `route()` makes. */
export interface RouteMark<
  Filter extends string = string,
  S extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
> {
  readonly filter: Filter
  readonly options: RouteOptions<S>
}

/** What a handler gets as payload: what the schema gives back, anything without one. */
export type PayloadOf<S extends StandardSchemaV1 | undefined> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<S>
  : unknown

/** What the method of a controller is called with: `ContextOf<typeof Sensors.routes.temperature>`. */
export type ContextOf<Mark> =
  Mark extends RouteMark<infer Filter, infer S> ? TopicContext<Filter, PayloadOf<S>> : never

/** An instance of a class that has a static `routes`, or such a class whose constructor needs nothing. */
export type Controller = object | (new () => object)

/**
 * Names the route of a controller's method, which is a handler:
 *
 *     class Sensors {
 *       static readonly routes = { temperature: route('sensors/{sensorId}/temperature', { qos: 1 }) }
 *       temperature({ params }: ContextOf<typeof Sensors.routes.temperature>) { ... }
 *     }
 *     router.controller(new Sensors(db))
 */
export function route<const Filter extends string, S extends StandardSchemaV1 | undefined = undefined>(
  filter: Filter,
  options: RouteOptions<S> = {},
): RouteMark<Filter, S> {
  return { filter, options }
}

/** The routes of a controller; none of a function, which adds its own to `router`. */
export function routesOf<R>(controller: Controller | ((router: R) => void), router: R): readonly Entry[] {
  if (typeof controller === 'function') {
    if ('routes' in controller) return entriesOf(new (controller as new () => object)())
    if (isPromise((controller as (router: R) => unknown)(router))) {
      throw new InvalidOptionError(
        'controller',
        `expected controller ${controller.name} to add its routes at once, but it is asynchronous`,
      )
    }
    return []
  }
  return entriesOf(controller)
}

function entriesOf(instance: object): readonly Entry[] {
  const { constructor } = instance
  const { routes } = constructor as { readonly routes?: Readonly<Record<string, RouteMark>> }
  if (typeof routes !== 'object' || routes === null) {
    throw new InvalidOptionError(
      'controller',
      `expected controller to be of a class with a static member routes, got: ${constructor.name} ${show(instance)}`,
    )
  }
  return Object.entries(routes).map(([name, { filter, options }]): Entry => {
    const method = (instance as Record<string, unknown>)[name]
    if (typeof method !== 'function')
      throw unknownName(`method of ${constructor.name}`, name, methodsOf(instance))
    return { filter, options, handler: method.bind(instance) as Handler }
  })
}

function methodsOf(instance: object): string[] {
  const { prototype } = instance.constructor as { readonly prototype: object }
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')
}
