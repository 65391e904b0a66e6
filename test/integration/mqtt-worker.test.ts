/** What becomes of a message in a worker: handled, tried again, dead, stored; and when the broker may forget it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from 'millhand'
import {
  MqttConnection,
  Router,
  TopicWorker,
  type TopicMessage,
  type TopicWorkerOptions,
} from 'millhand/mqtt'
import { sqlite } from 'millhand/sqlite'
import { captureLogger } from 'millhand/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../fixtures/until.ts'
import { startMosquitto } from '../servers/mosquitto.ts'
import type { PrivateServer } from '../servers/private-server.ts'

let broker: PrivateServer
let publisher: MqttConnection
let logger: ReturnType<typeof captureLogger>
const ends: (() => unknown)[] = []
let next = 0

beforeAll(async () => {
  broker = await startMosquitto({ acl: ['topic readwrite #', 'topic deny forbidden'] })
  publisher = new MqttConnection({ url: broker.url }, () => {})
  await publisher.connect()
})
afterAll(async () => {
  await publisher.disconnect()
  await broker.stop()
})
beforeEach(() => {
  logger = captureLogger()
  next++
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

function worker(router: Router, options: Partial<TopicWorkerOptions> = {}): TopicWorker {
  const made = new TopicWorker({
    ...{
      router,
      groupName: `group-${next}`,
      clientId: `worker-${next}`,
      connection: { url: broker.url },
      logger,
    },
    retry: { maxRetries: 2, baseDelay: '10ms' },
    ...options,
  })
  ends.push(() => made.stop())
  return made
}

/** All that arrives there from now on. */
async function listen(filter: string): Promise<TopicMessage[]> {
  const heard: TopicMessage[] = []
  const connection = new MqttConnection({ url: broker.url }, (message, receipt) => {
    heard.push(message)
    receipt.ack()
  })
  await connection.subscribe([{ filter }])
  await connection.connect()
  ends.push(() => connection.disconnect())
  return heard
}

function publish(topic: string, value: unknown): Promise<void> {
  return publisher.publish(topic, JSON.stringify(value), { contentType: 'application/json' })
}

function facts({ properties }: TopicMessage): Record<string, unknown> {
  return { ...properties.userProperties }
}

const never = (): Promise<never> => new Promise(() => {})

describe('a message that fails', () => {
  test('is tried again in process, then goes to the dead letters with the cause, and is acknowledged', async () => {
    const dead = await listen('dead/orders')
    let attempts = 0
    const router = new Router().on(
      'orders/{id}',
      () => {
        attempts++
        throw new TypeError('the till is shut')
      },
      { deadLetter: 'dead/orders' },
    )
    const made = worker(router)
    await made.start()
    await publish('orders/7', { total: 3 })
    await until(() => dead.length === 1)
    expect(attempts).toBe(3)
    expect(Buffer.from(dead[0]!.payload).toString()).toBe('{"total":3}')
    expect(dead[0]!.properties.contentType).toBe('application/json')
    expect(facts(dead[0]!)).toMatchObject({
      ...{ 'dead-reason': 'failed', 'dead-error': 'the till is shut', 'dead-error-type': 'TypeError' },
      ...{ 'dead-topic': 'orders/7', 'dead-route': 'orders/{id}', 'dead-attempts': '3' },
    })
    await until(() => made.queueSize === 0)
    expect(made).toMatchObject({ processedCount: 0, errorCount: 1 })
    await made.stop()
    await made.start()
    await publish('orders/8', {})
    await until(() => dead.length === 2)
    expect(facts(dead[1]!)['dead-topic']).toBe('orders/8')
  })

  test('is handled by a later attempt, and nobody hears of it', async () => {
    const dead = await listen('millhand/#')
    let attempts = 0
    const router = new Router().on('orders/{id}', () => {
      if (++attempts < 3) throw new Error('not yet')
    })
    const made = worker(router)
    await made.start()
    await publish('orders/1', {})
    await until(() => made.processedCount === 1)
    expect(attempts).toBe(3)
    expect(dead).toEqual([])
  })

  test('that cannot be decoded or does not match its schema is not even tried', async () => {
    const dead = await listen(`millhand/dead/group-${next}`)
    let handled = 0
    const router = new Router().on('readings/{id}', () => void handled++, {
      schema: z.object({ celsius: z.number() }),
    })
    const made = worker(router)
    await made.start()
    await publish('readings/1', { celsius: 'warm' })
    await publisher.publish('readings/2', Buffer.from([0xff, 0x00]), { contentType: 'application/json' })
    await publisher.publish('readings/3', new Uint8Array(0), { contentType: 'application/json' })
    await publish('readings/4', { celsius: 4 })
    await until(() => made.processedCount === 1 && dead.length === 3)
    expect(handled).toBe(1)
    expect(dead.map((message) => facts(message)['dead-reason'])).toEqual(Array(3).fill('undecodable'))
    expect(facts(dead[0]!)['dead-error']).toContain('celsius')
  })

  test('becomes a job of a queue of the dead, where that was asked for', async () => {
    const { graves } = await queues()
    const router = new Router({ deadLetter: { queue: graves, type: 'dead_letter' } }).on(
      'orders/{id}',
      () => {
        throw new Error('no')
      },
    )
    await worker(router, { retry: false }).start()
    await publish('orders/9', { total: 1 })
    const job = await until(async () => (await graves.list())[0])
    expect(job).toMatchObject({
      type: 'dead_letter',
      payload: {
        original: { topic: 'orders/9', text: '{"total":1}', contentType: 'application/json' },
        ...{ error: 'no', errorType: 'Error', reason: 'failed', attempts: 1, route: 'orders/{id}' },
      },
    })
  })

  test('is never dead-lettered twice when the dead letters come back to its own route', async () => {
    const seen: string[] = []
    const router = new Router().on('#', ({ topic }) => {
      seen.push(topic)
      throw new Error('no')
    })
    const made = worker(router, { retry: false })
    await made.start()
    await publish('loop', {})
    await until(() => made.errorCount === 2)
    expect(seen).toEqual(['loop', `millhand/dead/group-${next}`])
    expect(logger.messages('error')).toContain('a message is dead, and is thrown away')
  })

  test('stays unacknowledged while its dead letter is refused, and comes again', async () => {
    let isShut = true
    const router = new Router().on(
      'orders/{id}',
      () => {
        if (isShut) throw new Error('no')
      },
      { deadLetter: 'forbidden' },
    )
    const made = worker(router, { retry: false, drainTimeout: '100ms' })
    await made.start()
    await publish('orders/1', {})
    await until(() => logger.messages('error').some((message) => message.includes('it is tried again')))
    await made.stop()
    isShut = false
    await made.start()
    await until(() => made.processedCount === 1)
  })
})

describe('a handler that never ends', () => {
  test('is given up after its timeout, and its message goes to the dead letters; others go on', async () => {
    const dead = await listen(`millhand/dead/group-${next}`)
    const router = new Router()
      .on('slow', never, { timeout: '100ms', retry: false })
      .on(
        'heeds',
        ({ signal }) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason))),
        {
          timeout: '100ms',
          retry: false,
        },
      )
      .on('quick/{n}', () => {})
    const made = worker(router)
    await made.start()
    await publish('slow', {})
    await publish('heeds', {})
    for (let n = 0; n < 20; n++) await publish(`quick/${n}`, {})
    await until(() => made.processedCount === 20)
    await until(() => dead.length === 2)
    expect(dead.map((message) => facts(message)['dead-topic'])).toEqual(['heeds', 'slow'])
    expect(facts(dead[0]!)).toMatchObject({ 'dead-error-code': 'JOB_TIMEOUT' })
    await until(() => made.queueSize === 0)
  })

  test('does not hold up a stop for longer than the drain may take; its message comes again', async () => {
    let isStuck = true
    const router = new Router().on('slow', () => (isStuck ? never() : undefined))
    const made = worker(router, { drainTimeout: '50ms' })
    await made.start()
    await publish('slow', {})
    await until(() => made.queueSize === 1)
    await made.stop()
    expect(made.processedCount).toBe(0)
    isStuck = false
    await made.start()
    await until(() => made.processedCount === 1)
  })
})

describe('the acknowledgement', () => {
  test('waits for the word of the handler where that was asked for', async () => {
    let acknowledge: (() => void) | undefined
    const router = new Router().on('by-hand', ({ ack }) => void (acknowledge = ack), { ack: 'manual' })
    const made = worker(router)
    await made.start()
    await publish('by-hand', {})
    await until(() => acknowledge !== undefined)
    expect(made).toMatchObject({ queueSize: 1, processedCount: 0 })
    acknowledge!()
    expect(made).toMatchObject({ queueSize: 0, processedCount: 1 })
  })

  test('that never comes is a failure like any other', async () => {
    const dead = await listen(`millhand/dead/group-${next}`)
    const router = new Router().on('by-hand', () => {}, { ack: 'manual', timeout: '50ms', retry: false })
    await worker(router).start()
    await publish('by-hand', {})
    await until(() => dead.length === 1)
    expect(facts(dead[0]!)['dead-error']).toContain('ack() was not called within 50ms')
  })
})

test('a route with one place keeps the order of its messages, also when one is tried again', async () => {
  const order: number[] = []
  let failures = 0
  const router = new Router().on(
    'steps/{n}',
    async ({ params }) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (params.n === '3' && failures++ < 2) throw new Error('once more')
      order.push(Number(params.n))
    },
    { concurrency: 1 },
  )
  await worker(router).start()
  for (let n = 0; n < 30; n++) void publish(`steps/${n}`, {})
  await until(() => order.length === 30)
  expect(order).toEqual(Array.from({ length: 30 }, (_, n) => n))
})

test('messages become jobs of a durable queue, each acknowledged when it is stored', async () => {
  const { readings } = await queues()
  const router = new Router().on('sensors/{id}', { to: { queue: readings, type: 'reading' } })
  const made = worker(router)
  await made.start()
  for (let n = 0; n < 50; n++) await publish(`sensors/${n}`, { n })
  await until(() => made.processedCount === 50)
  expect((await readings.stats()).counts.waiting).toBe(50)
  expect(await readings.list({ limit: 1 })).toMatchObject([{ type: 'reading', payload: { n: 0 } }])
})

test('while it is quiet nothing is begun, and then all that waited', async () => {
  const router = new Router().on('calm/{n}', async () => {})
  const made = worker(router)
  await made.start()
  made.quiet()
  for (let n = 0; n < 5; n++) await publish(`calm/${n}`, {})
  await until(() => made.queueSize === 5)
  expect(made.processedCount).toBe(0)
  made.resume()
  await until(() => made.processedCount === 5)
})

test('a broker that is not there, and options that cannot be, are told of by name', async () => {
  const gone = worker(
    new Router().on('a', () => {}),
    { connection: { url: 'mqtt://127.0.0.1:9', patience: 0 } },
  )
  await expect(gone.start()).rejects.toMatchObject({ message: expect.stringContaining('127.0.0.1:9') })
  expect(() => worker(new Router(), { timeot: 1 } as never)).toThrow('did you mean "timeout"?')
  expect(() => worker(new Router(), { deadLetter: 'a/#' })).toThrow('deadLetter')
})

async function queues(): Promise<{ readings: Queue; graves: Queue }> {
  const folder = await mkdtemp(join(tmpdir(), 'millhand-mqtt-'))
  const backend = sqlite(join(folder, 'jobs.db'))
  const made = { readings: new Queue('readings', { backend }), graves: new Queue('graves', { backend }) }
  ends.unshift(async () => {
    await made.readings.close()
    await made.graves.close()
    await rm(folder, { recursive: true })
  })
  return made
}
