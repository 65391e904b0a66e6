import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { route, type ContextOf } from '../../../src/topic/controller.ts'
import { Router } from '../../../src/topic/router.ts'
import { deliveryOf, messageOf } from './messages.ts'

const nothing = (): void => {}
const filtersOf = (router: Router<string>): string[] => router.routes().map(({ filter }) => filter)

describe('a router', () => {
  it('gives each route its defaults, frozen', () => {
    const [made] = new Router().on('sensors/{id}', nothing).routes()
    expect(made).toEqual({
      filter: 'sensors/{id}',
      mqttFilter: 'sensors/+',
      qos: 1,
      shared: false,
      workerCount: undefined,
      concurrency: 100,
      schema: undefined,
      codec: undefined,
      ack: 'onSuccess',
      timeoutMs: undefined,
      retry: undefined,
      deadLetter: undefined,
      to: undefined,
      retained: 'new',
    })
    expect(Object.isFrozen(made)).toBe(true)
  })

  it('reads options into what is used', () => {
    const options = { shared: true, timeout: '2s', retry: false, deadLetter: 'dead' } as const
    const [made] = new Router().on('a', nothing, options).routes()
    expect(made).toMatchObject({ timeoutMs: 2000, retry: null, deadLetter: 'dead', retained: 'never' })
    const [other] = new Router()
      .on('a', nothing, { timeout: 'none', retry: { maxRetries: 7 }, deadLetter: false })
      .routes()
    expect(other).toMatchObject({ timeoutMs: null, retry: { maxRetries: 7 }, deadLetter: null })
  })

  it.each([
    [{ qos: 3 }, 'expected qos to be an integer from 0 to 2, got: 3'],
    [{ workerCount: 0 }, 'expected workerCount to be an integer from 1'],
    [{ shard: true }, 'unknown route "a/{x}" option "shard"; did you mean "shared"?'],
    [{ ack: 'never' }, `expected ack to be 'onReceive'`],
    [{ schema: {} }, 'expected schema to be a schema'],
    [{ codec: 'json' }, 'expected codec to be a codec'],
    [{ deadLetter: 'a/#' }, 'expected deadLetter to be a topic'],
    [{ timeout: 'soon' }, 'expected timeout to be a duration'],
  ])('refuses the options %j', (options, message) => {
    expect(() => new Router().on('a/{x}', nothing, options as object)).toThrow(message)
  })

  it('refuses a second route of the same topics where it is added, in groups and other routers too', () => {
    const router = new Router().on('a/{x}', nothing)
    const same = 'expected each route once, got a second "a/+", which takes the same topics as "a/{x}"'
    expect(() => router.on('a/+', nothing)).toThrow(same)
    expect(() => router.group('a').on('+', nothing)).toThrow(same)
    expect(() => router.include(new Router().on('a/+', nothing))).toThrow(same)
    expect(() => router.on('a/{x}', nothing, { shared: true })).toThrow('got a second "a/{x}"')
    expect(filtersOf(router)).toEqual(['a/{x}'])
    const late = new Router()
    router.include(late)
    late.on('a/{y}', nothing)
    expect(() => router.routes()).toThrow('got a second "a/{y}", which takes the same topics as "a/{x}"')
  })

  it('refuses what is no handler or middleware', () => {
    const router = new Router()
    expect(() => router.on('a', undefined as never)).toThrow('expected route "a" to have a handler or { to')
    expect(() => router.use('log' as never)).toThrow('expected middleware to be a function, got: "log"')
    expect(() => router.include(router)).toThrow('it cannot be part of itself')
  })

  it('joins prefixes, and passes defaults on to what is inside', () => {
    const router = new Router({ prefix: 'plant/{plant}', qos: 2 })
    router.on('', nothing)
    const line = router.group('line/{line}', { shared: true, workerCount: 3 })
    line.on('#', nothing)
    line.include(new Router({ prefix: 'x', workerCount: 5 }).on('y', nothing, { qos: 0 }))
    expect(router.routes()).toMatchObject([
      { filter: 'plant/{plant}', qos: 2, shared: false },
      { filter: 'plant/{plant}/line/{line}/#', qos: 2, shared: true, workerCount: 3 },
      { filter: 'plant/{plant}/line/{line}/x/y', qos: 0, shared: true, workerCount: 5 },
    ])
    expect(filtersOf(line)).toHaveLength(2)
    for (const prefix of ['a/', '#', 'a/#'])
      expect(() => router.group(prefix)).toThrow('expected prefix to be')
    expect(() => router.group('a/{plant}').on('b', nothing)).toThrow('the parameter {plant} is there twice')
  })

  it('says which route takes a topic', () => {
    const dispatcher = new Router().on('a/{x}/#', nothing).dispatcher()
    expect(dispatcher.match('a/1/2/3')).toMatchObject({
      route: { filter: 'a/{x}/#' },
      params: { x: '1', rest: '2/3' },
    })
    expect(dispatcher.match('b')).toBeUndefined()
  })
})

class Sensors {
  static readonly routes = {
    temperature: route('{sensorId}/temperature', { qos: 2, schema: z.object({ celsius: z.number() }) }),
    state: route('{sensorId}/state'),
  }

  readonly seen: unknown[] = []

  temperature({ params, payload }: ContextOf<typeof Sensors.routes.temperature>): void {
    this.seen.push([params.sensorId, payload.celsius])
  }

  state({ params }: ContextOf<typeof Sensors.routes.state>, next: () => unknown): unknown {
    this.seen.push(params.sensorId)
    return next()
  }
}

describe('a controller', () => {
  it('is an instance of a class with a table of its routes', () => {
    const sensors = new Sensors()
    const router = new Router({ prefix: 'sensors' }).controller(sensors)
    expect(router.routes()).toMatchObject([
      { filter: 'sensors/{sensorId}/temperature', qos: 2 },
      { filter: 'sensors/{sensorId}/state', qos: 1 },
    ])
    const dispatcher = router.dispatcher()
    void dispatcher.dispatch(messageOf('sensors/7/temperature', '{"celsius":21}'), deliveryOf())
    void dispatcher.dispatch(messageOf('sensors/8/state'), deliveryOf())
    expect(sensors.seen).toEqual([['7', 21], '8'])
  })

  it('is such a class, or a function', () => {
    expect(filtersOf(new Router().controller(Sensors))).toHaveLength(2)
    expect(filtersOf(new Router().controller((router) => router.on('a', nothing)))).toEqual(['a'])
  })

  it('is refused when its table names no method, or it has none, or takes its time', () => {
    class Wrong {
      static readonly routes = { temprature: route('a') }
      temperature(): void {}
    }
    expect(() => new Router().controller(Wrong)).toThrow(
      'unknown method of Wrong "temprature"; did you mean "temperature"?',
    )
    expect(() => new Router().controller({})).toThrow('a class with a static member routes')
    const late: () => unknown = async () => {}
    expect(() => new Router().controller(late)).toThrow('to add its routes at once')
  })
})
