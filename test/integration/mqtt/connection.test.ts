import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Receipt } from '../../../src/topic/mqtt/connection.ts'
import { Requester, respond } from '../../../src/topic/mqtt/request.ts'
import { until } from '../../fixtures/until.ts'
import { Proxy } from '../../../chaos/proxy.ts'
import { findMosquitto } from '../../servers/binaries.ts'
import { startMosquitto } from '../../servers/mosquitto.ts'
import type { PrivateServer } from '../../servers/private-server.ts'
import { client, failure, unconnected } from './mqtt-client.ts'

let broker: PrivateServer
beforeAll(async () => {
  broker = await startMosquitto()
})
afterAll(() => broker.stop())

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.each(['5', '3.1.1'] as const)('by MQTT %s', (protocol) => {
  test('messages of each QoS arrive once, with payloads of 0 bytes to 10 MB', async () => {
    const topic = `sizes/${protocol}`
    const { connection, messages } = await client({
      ...{ url: broker.url, protocol, clientId: `sizes-${protocol}`, sessionExpiry: 0 },
      subscriptions: [{ filter: `${topic}/#`, qos: 2 }],
    })
    const sizes = [0, 1, 70_000, 10_000_000]
    for (const qos of [0, 1, 2] as const)
      for (const size of sizes)
        await connection.publish(`${topic}/${qos}`, new Uint8Array(size).fill(7), { qos })
    await until(() => messages.length === 12)
    expect(messages.map(({ payload, qos }) => [qos, payload.length])).toEqual(
      [0, 1, 2].flatMap((qos) => sizes.map((size) => [qos, size])),
    )
    expect(messages.every(({ payload }) => payload.every((byte) => byte === 7))).toBe(true)
    expect(await connection.drain('20s')).toBe(true)
    expect(connection.state).toEqual({ connected: true, unacked: 0, waiting: 0, publishing: 0 })
  })

  test('strangers are understood, and understand', async () => {
    const programs = findMosquitto()!
    const version = protocol === '5' ? '5' : 'mqttv311'
    const address = ['-h', '127.0.0.1', '-p', String(broker.port), '-V', version]
    const { connection, texts } = await client({
      ...{ url: broker.url, protocol },
      subscriptions: [{ filter: `stranger/${protocol}/in` }],
    })
    const args = [...address, '-t', `stranger/${protocol}/in`, '-m', 'grüezi', '-q', '2']
    await promisify(execFile)(programs.pub, args)
    await until(() => texts.length === 1)
    await connection.publish(`stranger/${protocol}/out`, 'adieu', { retain: true })
    const listener = spawn(programs.sub, [...address, '-t', `stranger/${protocol}/out`, '-C', '1', '-q', '1'])
    onTestFinished(() => void listener.kill())
    let output = ''
    listener.stdout.on('data', (data: Buffer) => (output += data.toString()))
    await once(listener, 'close')
    expect([texts, output]).toEqual([['grüezi'], expect.stringContaining('adieu')])
  })

  test('handlers of three keep-alives break nothing, and all is acknowledged after them', async () => {
    const receipts: Receipt[] = []
    const { connection, texts, events } = await client({
      ...{ url: broker.url, protocol, clientId: `slow-${protocol}`, keepAlive: '1s', window: 4 },
      subscriptions: [{ filter: `slow/${protocol}` }],
      handle: (_message, receipt) => receipts.push(receipt),
    })
    const sender = await client({ url: broker.url, protocol })
    for (let i = 0; i < 10; i++) await sender.connection.publish(`slow/${protocol}`, `${i}`)
    await until(() => texts.length === 4)
    await sleep(3200)
    expect(events).toEqual(['connected'])
    while (texts.length < 10 || receipts.length > 0) {
      receipts.pop()?.ack()
      await sleep(1)
    }
    expect(await connection.drain('20s')).toBe(true)
    expect(texts).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  test('what the broker had kept arrives when a subscription is made, and not again at each reconnect', async () => {
    const root = `kept/${protocol}`
    const sender = await client({ url: broker.url, protocol })
    for (const policy of ['new', 'never', 'always', 'shared'])
      await sender.connection.publish(`${root}/${policy}`, policy, { retain: true })
    const proxy = await proxied()
    const options = {
      ...{ url: proxy.url, protocol, clientId: `kept-${protocol}` },
      subscriptions: [
        { filter: `${root}/new` },
        { filter: `${root}/never`, retained: 'never' },
        { filter: `${root}/always`, retained: 'always' },
        { filter: `$share/g/${root}/shared` },
      ],
    } as const
    const first = await client(options)
    expect(await first.connection.drain('20s')).toBe(true)
    expect(first.texts.toSorted()).toEqual(['always', 'new'])
    expect(first.messages.every(({ retain }) => retain)).toBe(true)
    const connected = new Promise<void>((resolve) => first.connection.events.on('connected', () => resolve()))
    proxy.drop()
    await connected
    expect(await first.connection.drain('20s')).toBe(true)
    expect(first.texts.slice(2)).toEqual(['always'])
  })

  test('what a session waited with arrives in a new process of the same client, from the first message on', async () => {
    const options = { url: broker.url, protocol, clientId: `durable-${protocol}` } as const
    const before = await client({ ...options, subscriptions: [{ filter: `durable/${protocol}` }] })
    await before.connection.disconnect()
    const sender = await client({ url: broker.url, protocol })
    const sent = Array.from({ length: 500 }, (_, i) => `${i}`)
    await Promise.all(sent.map((text) => sender.connection.publish(`durable/${protocol}`, text)))
    const { connection, texts } = unconnected(options)
    await connection.connect()
    expect(await connection.drain('5s')).toBe(true)
    expect(texts).toEqual(sent)
    // Forgotten by the broker, as it was asked to.
    if (protocol === '5') await connection.disconnect({ sessionExpiry: 0 })
  })
})

/** A way to the broker that can be cut. */
async function proxied(): Promise<{ readonly url: string; drop(): void }> {
  const proxy = await Proxy.to(broker.port)
  onTestFinished(() => proxy.close())
  return { url: `mqtt://127.0.0.1:${proxy.port}`, drop: () => proxy.drop() }
}

test('properties travel both ways, and a requester gets the answer to its own request', async () => {
  const server = await client({
    url: broker.url,
    subscriptions: [{ filter: 'commands/#', id: 77 }],
    handle: (message, receipt) => {
      void respond(server.connection, message, `done: ${Buffer.from(message.payload).toString()}`).then(
        () => receipt.ack(),
        () => receipt.ack(),
      )
    },
  })
  const { connection, texts } = await client({ url: broker.url, clientId: 'requester' })
  const requester = await Requester.over(connection)
  const questions = ['a', 'b', 'c']
  const answers = await Promise.all(
    questions.map((text) =>
      requester.request(`commands/${text}`, text, {
        contentType: 'text/plain',
        userProperties: { k: ['1', '2'] },
      }),
    ),
  )
  expect(answers.map(({ payload }) => Buffer.from(payload).toString())).toEqual([
    'done: a',
    'done: b',
    'done: c',
  ])
  expect(texts).toEqual([])
  expect(server.messages[0]).toMatchObject({
    subscriptionIds: [77],
    properties: {
      ...{ contentType: 'text/plain', responseTopic: 'millhand/replies/requester' },
      userProperties: { k: ['1', '2'] },
    },
  })
  const unanswered = await failure(requester.request('nobody', 'x', { timeout: '50ms' }))
  expect(unanswered).toMatchObject({ code: 'REQUEST_TIMEOUT', message: expect.stringContaining('"nobody"') })
  await requester.close()
  expect(await failure(respond(connection, { ...server.messages[0]!, properties: {} }, ''))).toMatchObject({
    code: 'UNSUPPORTED',
  })
})

test('handlers run side by side, as many as the window', async () => {
  let running = 0
  let most = 0
  const { connection, texts } = await client({
    ...{ url: broker.url, clientId: 'parallel', window: 50 },
    subscriptions: [{ filter: 'parallel' }],
    handle: (_message, receipt) => {
      most = Math.max(most, ++running)
      setTimeout(() => {
        running--
        receipt.ack()
      }, 10)
    },
  })
  await Promise.all(Array.from({ length: 500 }, (_, i) => connection.publish('parallel', `${i}`)))
  expect(await connection.drain('5s')).toBe(true)
  expect([texts.length, new Set(texts).size, most]).toEqual([500, 500, 50])
})

test('when more arrives than can be held the connection is dropped, and the session sends all of it again', async () => {
  const receipts: Receipt[] = []
  let isHolding = true
  const { connection, texts, messages, events } = await client({
    // By MQTT 3.1.1 the broker knows no limit of ours.
    ...{ url: broker.url, protocol: '3.1.1', clientId: 'flooded', window: 10, intakeBytes: 20_000 },
    subscriptions: [{ filter: 'flood' }],
    handle: (_message, receipt) => {
      if (isHolding) receipts.push(receipt)
      else setTimeout(() => receipt.ack(), 1)
    },
  })
  const sender = await client({ url: broker.url })
  const sent = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(400)}`)
  await Promise.all(sent.map((text) => sender.connection.publish('flood', text)))
  await until(() => events.includes('overflow'))
  expect([texts.length, connection.state]).toEqual([
    10,
    { connected: false, unacked: 10, waiting: 0, publishing: 0 },
  ])
  isHolding = false
  for (const receipt of receipts) receipt.ack()
  await until(() => new Set(texts).size === 300, { timeout: '15s' })
  await until(() => connection.drain('5s'), { timeout: '15s' })
  expect([...new Set(texts)]).toEqual(sent)
  // Twice only what MQTT says may be so: an acknowledgement was on its way when the connection ended.
  const seen = new Set<string>()
  for (const [index, text] of texts.entries()) {
    expect(seen.has(text) && !messages[index]!.dup).toBe(false)
    seen.add(text)
  }
}, 30_000)

test('a message that is never acknowledged is an error that names its topic, and comes again', async () => {
  let isFirst = true
  const { connection, texts, events } = await client({
    ...{ url: broker.url, clientId: 'hung', ackTimeout: '200ms' },
    subscriptions: [{ filter: 'hung/#' }],
    handle: (_message, receipt) => {
      if (!isFirst) receipt.ack()
      isFirst = false
    },
  })
  const overdue = new Promise<{ error: Error; waiting: number }>((resolve) =>
    connection.events.on('overdue', resolve),
  )
  await connection.publish('hung/1', 'never ends')
  await connection.publish('hung/2', 'quick')
  const { error, waiting } = await overdue
  expect([error.message, waiting]).toEqual([expect.stringContaining('"hung/1"'), 1])
  await until(() => connection.drain('1s'))
  expect(texts).toEqual(['never ends', 'quick', 'never ends'])
  expect(events).toEqual(['connected', 'overdue ACK_TIMEOUT', 'disconnected ACK_TIMEOUT', 'connected'])
})

test('the will is published when the connection breaks, the birth at each connect, neither at a good-bye', async () => {
  const watcher = await client({ url: broker.url, subscriptions: [{ filter: 'status/a' }] })
  const options = {
    ...{ url: broker.url, clientId: 'mortal' },
    birth: { topic: 'status/a', payload: 'online' },
    will: { topic: 'status/a', payload: 'broken' },
  }
  const first = await client(options)
  await until(() => watcher.texts.length === 1)
  await first.connection.disconnect()
  const second = await client(options)
  await until(() => watcher.texts.length === 2)
  await second.connection.disconnect({ will: true })
  await until(() => watcher.texts.length === 3)
  const proxy = await proxied()
  await client({ ...options, url: proxy.url })
  await until(() => watcher.texts.length === 4)
  proxy.drop()
  await until(() => watcher.texts.length === 6)
  expect(watcher.texts).toEqual(['online', 'online', 'broken', 'online', 'broken', 'online'])
})

test('publishes are bounded: one more waits, or is refused', async () => {
  const options = { url: broker.url, maxPublishes: 3 } as const
  const refusing = unconnected({ ...options, whenFull: 'reject' })
  const waiting = unconnected({ ...options, whenFull: 'wait' })
  const send = ({ connection }: typeof waiting): Promise<void>[] =>
    ['a', 'b', 'c', 'd'].map((text) => connection.publish('bounded', text))
  const refused = send(refusing)
  expect(await failure(refused[3]!)).toMatchObject({ code: 'PUBLISH_FULL' })
  const sent = send(waiting)
  expect(waiting.connection.state.publishing).toBe(4)
  await waiting.connection.connect()
  await refusing.connection.connect()
  await Promise.all([...sent, ...refused.slice(0, 3)])
  expect(waiting.connection.state.publishing).toBe(0)
})

test('what cannot be published is refused with the reason, and ends no connection', async () => {
  const { connection, events } = await client({ url: broker.url })
  for (const topic of ['', 'a/#', 'a/+/b', 'a\0b', '\ud800'])
    expect(await failure(connection.publish(topic, 'x'))).toMatchObject({ code: 'INVALID_OPTION' })
  const responseTopic = 'a/#'
  expect(await failure(connection.publish('t', 'x', { responseTopic }))).toMatchObject({
    code: 'INVALID_OPTION',
  })
  expect(await failure(connection.publish('t', 7 as never))).toMatchObject({ code: 'INVALID_OPTION' })
  for (const filter of ['', 'a/#/b', 'a+/b', 'a\0', '$share//a', '$share/g/'])
    expect(await failure(connection.subscribe([{ filter }]))).toMatchObject({ code: 'INVALID_OPTION' })
  await connection.publish('t', 'fine')
  expect(events).toEqual(['connected'])
})

test('a connection that was ended can be made again, and until then nothing is published', async () => {
  const { connection, texts } = await client({ url: broker.url, subscriptions: [{ filter: 'again' }] })
  await connection.disconnect()
  await connection.disconnect()
  expect(await failure(connection.publish('again', 'x'))).toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  await connection.connect()
  await connection.publish('again', 'y')
  await until(() => texts.length === 1)
  await connection.unsubscribe(['again'])
  await connection.publish('again', 'z')
  expect(await connection.drain('20s')).toBe(true)
  expect(texts).toEqual(['y'])
})
