import { DatabaseSync } from 'node:sqlite'
import * as messagePack from '@msgpack/msgpack'
import { type } from 'arktype'
import * as cborg from 'cborg'
import { Redis } from 'ioredis'
import { Queue } from 'millhand'
import { memory } from 'millhand/memory'
import {
  cbor,
  dedupe,
  msgpack,
  rateLimit,
  redisRates,
  route,
  Router,
  sqliteRates,
  type ContextOf,
  type Middleware,
  type ParamsOf,
} from 'millhand/mqtt'
import { createClient } from 'redis'
import * as v from 'valibot'
import { z } from 'zod'
import { expectType, type Equal } from '../expect.ts'

expectType<
  Equal<ParamsOf<'a/{x}/+/{y}/#'>, { readonly x: string; readonly y: string; readonly rest: string }>
>()
// oxlint-disable-next-line no-generated-empty-object-type -- a filter without parameters has none
expectType<Equal<keyof ParamsOf<'a/b'>, never>>()
expectType<Equal<ParamsOf<string>, Readonly<Record<string, string>>>>()

const router = new Router({ codecs: [msgpack(messagePack), cbor(cborg)] })

// Parameters come from the literal, the payload from the schema of any library.
router.on('sensors/{sensorId}/temperature', ({ params, payload }) => {
  expectType<Equal<typeof params, { readonly sensorId: string }>>()
  expectType<Equal<typeof payload, unknown>>()
})
router.on(
  'sensors/{sensorId}/humidity',
  ({ params, payload }, next) => {
    expectType<Equal<typeof params.sensorId, string>>()
    expectType<Equal<typeof payload, { percent: number; length: number }>>()
    return next()
  },
  {
    schema: z.object({ percent: z.number().default(1), length: z.string().transform((text) => text.length) }),
  },
)
router.on('v/{a}', ({ payload }) => expectType<Equal<typeof payload, { n: number }>>(), {
  schema: v.object({ n: v.optional(v.number(), 1) }),
  qos: 2,
})
router.on('t', ({ payload }) => expectType<Equal<typeof payload, { n: number }>>(), {
  schema: type({ n: 'number' }),
})

// Groups pass the parameters of their prefix on.
const plant = router.group('plants/{plantId}', { shared: true, workerCount: 4 })
plant.group('lines/{line}').on('state/#', ({ params }) => {
  expectType<
    Equal<typeof params, { readonly plantId: string; readonly line: string; readonly rest: string }>
  >()
})
plant.on('', ({ params }) => expectType<Equal<typeof params, { readonly plantId: string }>>())
router.include(plant).include(new Router({ prefix: 'x/{y}' }))

// A queue with types of its own takes messages.
const orders = new Queue('orders', { backend: memory(), jobs: { placed: z.object({ n: z.number() }) } })
router.on('orders/{id}', { to: { queue: orders, type: 'placed' }, qos: 1 })
router.on('failing', () => {}, { deadLetter: { queue: orders, type: 'placed' } })

class Sensors {
  static readonly routes = {
    state: route('sensors/{sensorId}/state', { schema: z.object({ on: z.boolean() }) }),
  }

  state({ params, payload }: ContextOf<typeof Sensors.routes.state>): void {
    expectType<Equal<typeof params, { readonly sensorId: string }>>()
    expectType<Equal<typeof payload, { on: boolean }>>()
  }
}
router
  .controller(new Sensors())
  .controller(Sensors)
  .controller((own) => own.on('own', () => {}))

const timing: Middleware = async ({ topic, logger }, next) => {
  await next()
  logger.debug({ topic }, 'done')
}
router.use(timing, dedupe({ sequence: ({ payload }) => (payload as { n: number }).n }))
router.use(
  rateLimit({ store: sqliteRates(new DatabaseSync(':memory:')) }),
  rateLimit({ store: redisRates(new Redis()), over: 'drop' }),
  rateLimit({ store: redisRates(createClient()), over: 'delay', allow: (key) => key === 'a' }),
)
