import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Proxy } from '../../../chaos/proxy.ts'
import { until } from '../../fixtures/until.ts'
import { type MosquittoOptions, startMosquitto } from '../../servers/mosquitto.ts'
import { freePort } from '../../servers/port.ts'
import type { PrivateServer } from '../../servers/private-server.ts'
import { client, failure, type TestClient, unconnected } from './mqtt-client.ts'

async function start(options: MosquittoOptions = {}): Promise<PrivateServer> {
  const broker = await startMosquitto(options)
  onTestFinished(() => broker.stop())
  return broker
}

const next = ({ connection }: TestClient, event: 'connected' | 'failed' | 'disconnected'): Promise<unknown> =>
  new Promise((resolve) => connection.events.on(event, resolve))

describe('when the network is cut again and again under load', () => {
  test.each([
    ['5', 1],
    ['5', 2],
    ['3.1.1', 1],
    ['3.1.1', 2],
  ] as const)(
    'by MQTT %s nothing of QoS %i is lost on its way out or in',
    async (protocol, qos) => {
      const broker = await start()
      const proxy = await Proxy.to(broker.port)
      onTestFinished(() => proxy.close())
      const url = `mqtt://127.0.0.1:${proxy.port}`
      const subscriber = await client({
        ...{ url, protocol, clientId: 'in', window: 20 },
        subscriptions: [{ filter: 'load', qos }],
        handle: (_message, receipt) => setTimeout(() => receipt.ack(), Math.random() * 5),
      })
      const publisher = await client({ url, protocol, clientId: 'out' })
      const sent = Array.from({ length: 1000 }, (_, i) => `${i}`)
      const published = Promise.all(sent.map((text) => publisher.connection.publish('load', text, { qos })))
      for (let cut = 1; cut <= 4; cut++) {
        await until(() => new Set(subscriber.texts).size >= cut * 150, { timeout: '20s' })
        proxy.drop()
      }
      await published
      await until(() => new Set(subscriber.texts).size === 1000, { timeout: '20s' })
      // Of QoS 2 exactly once, by one process at each end.
      if (qos === 2) expect(subscriber.texts.length).toBe(1000)
      // Twice only those whose acknowledgement may have been lost on its way.
      const seen = new Set<string>()
      for (const { payload, dup } of subscriber.messages) {
        const text = Buffer.from(payload).toString()
        if (seen.has(text) && !dup && protocol === '5')
          expect(publisher.events).toContain('disconnected BROKER_UNAVAILABLE')
        seen.add(text)
      }
      expect(subscriber.events).not.toContain('failed')
    },
    60_000,
  )
})

test('a broker that is killed and comes back with its data loses nothing, shared subscriptions included', async () => {
  const broker = await start({ persistence: true })
  const options = { url: broker.url, maxRetryDelay: '100ms' } as const
  const subscriptions = [{ filter: '$share/group/jobs' }, { filter: 'late' }]
  const before = await client({ ...options, clientId: 'worker', subscriptions })
  await before.connection.disconnect()
  const publisher = await client({ ...options, clientId: 'publisher' })
  const sent = Array.from({ length: 300 }, (_, i) => `job ${i}.`)
  await Promise.all(sent.map((text) => publisher.connection.publish('jobs', text)))
  // What it has not written yet it would lose, whatever it has said.
  process.kill(broker.pid, 'SIGUSR1')
  await until(() => readFileSync(join(broker.folder, 'mosquitto.db'), 'latin1').includes(sent.at(-1)!))
  await broker.kill('SIGKILL')
  const meanwhile = Promise.all(
    sent.slice(0, 50).map((text) => publisher.connection.publish('late', `late ${text}`)),
  )
  await broker.start()
  const worker = await client({ ...options, clientId: 'worker', subscriptions })
  await meanwhile
  await until(() => new Set(worker.texts).size === 350)
  expect(worker.texts.filter((text) => !text.startsWith('late'))).toEqual(sent)
  // Its shared subscription is dead after that, though the session is there, without another SUBSCRIBE.
  const again = [next(worker, 'connected'), next(publisher, 'connected')]
  await broker.restart()
  await Promise.all(again)
  await publisher.connection.publish('jobs', 'last')
  await until(() => worker.texts.includes('last'))
}, 60_000)

describe('at the first connect', () => {
  test('a broker that is missing is an error that names it', async () => {
    const url = `mqtt://ada:secret@127.0.0.1:${await freePort()}`
    const { connection } = unconnected({ url, patience: 0 })
    const error = await failure(connection.connect())
    expect(error).toMatchObject({ code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('127.0.0.1') })
    expect(error.message).toContain('ECONNREFUSED')
    expect(error.message).not.toContain('secret')
  })

  test('a broker that comes late is waited for', async () => {
    const broker = await start()
    await broker.kill('SIGKILL')
    const late = unconnected({ url: broker.url, patience: '20s', maxRetryDelay: '100ms' })
    const failed = next(late, 'disconnected')
    const connecting = late.connection.connect()
    await failed
    await broker.start()
    await connecting
    expect(late.connection.state.connected).toBe(true)
  })

  test('a broker that takes the connection and says nothing is given up', async () => {
    const mute = createServer().listen(0, '127.0.0.1')
    await once(mute, 'listening')
    onTestFinished(() => void mute.close())
    const url = `mqtt://127.0.0.1:${(mute.address() as AddressInfo).port}`
    const { connection } = unconnected({ url, patience: 0, attemptTimeout: '50ms' })
    expect(await failure(connection.connect())).toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })

  test.each(['5', '3.1.1'] as const)(
    'wrong credentials are refused at once by MQTT %s, and not told',
    async (protocol) => {
      const broker = await start({ users: { ada: 'right' } })
      const url = broker.url.replace('//', '//ada:wrong@')
      const error = await failure(unconnected({ url, protocol }).connection.connect())
      expect(error).toMatchObject({ code: 'BROKER_REFUSED', reasonCode: protocol === '5' ? 0x87 : 5 })
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('wrong')
      const right = unconnected({
        url: broker.url,
        username: 'ada',
        password: Buffer.from('right'),
        protocol,
      })
      await right.connection.connect()
    },
  )

  test('ending it while it is tried ends it', async () => {
    const { connection } = unconnected({ url: `mqtt://127.0.0.1:${await freePort()}` })
    const connecting = failure(connection.connect())
    await connection.disconnect()
    expect(await connecting).toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })
})

test('a message that may not be published is refused with the reason', async () => {
  const broker = await start({ users: { ada: 'x' }, acl: ['user ada', 'topic readwrite mine/#'] })
  const { connection, events } = await client({ url: broker.url, username: 'ada', password: 'x' })
  await connection.publish('mine/1', 'fine')
  const error = await failure(connection.publish('theirs/1', 'no'))
  expect(error).toMatchObject({
    code: 'BROKER_REFUSED',
    reasonCode: 0x87,
    message: expect.stringContaining('theirs/1'),
  })
  expect(events).toEqual(['connected'])
})

/** A broker that says what it is told to: a CONNACK to whoever comes, and then more. */
async function scripted(...packets: readonly (readonly number[])[]): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.from(packets.flat())))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ACCEPTED = [0x20, 3, 0, 0, 0]

test('a client id that another takes over is an error that ends the fight', async () => {
  const url = await scripted(ACCEPTED, [0xe0, 2, 0x8e, 0])
  const first = unconnected({ url, clientId: 'same' })
  const failed = next(first, 'failed')
  await first.connection.connect().catch(() => {})
  const error = { code: 'CLIENT_TAKEN_OVER', reasonCode: 0x8e, message: expect.stringContaining('"same"') }
  if (first.connection.state.connected) expect(await failed).toMatchObject({ error })
  expect(await failure(first.connection.publish('t', 'x'))).toMatchObject(error)
  expect(first.events).not.toContain('disconnected CLIENT_TAKEN_OVER')
})

test('a broker that names another one is an error that says so, or is followed', async () => {
  const broker = await start()
  const reference = `127.0.0.1:${broker.port}`
  const property = [0x1c, 0, reference.length, ...Buffer.from(reference)]
  const refusal = [0x20, 3 + property.length, 0, 0x9c, property.length, ...property]
  const url = await scripted(refusal)
  const error = await failure(unconnected({ url }).connection.connect())
  expect(error).toMatchObject({ code: 'BROKER_REFUSED', reasonCode: 0x9c, serverReference: reference })
  expect(error.message).toContain(`use another server (0x9c); use ${reference} instead`)
  const { connection, texts } = await client({
    url,
    redirect: 'follow',
    subscriptions: [{ filter: 'moved' }],
  })
  await connection.publish('moved', 'here')
  await until(() => texts.length === 1)
})

test('a subscription that is refused is an error that names the filter and the reason', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let isConnected = false
    socket.on('data', (data) => {
      if (!isConnected) socket.write(Buffer.from(ACCEPTED))
      // SUBSCRIBE: its packet id is in the third and fourth byte.
      else if (data[0] === 0x82) socket.write(Buffer.from([0x90, 5, data[2]!, data[3]!, 0, 1, 0x87]))
      isConnected = true
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { connection } = unconnected({ url, subscriptions: [{ filter: 'mine/#' }, { filter: 'theirs/#' }] })
  expect(await failure(connection.connect())).toMatchObject({
    ...{ code: 'BROKER_REFUSED', reasonCode: 0x87 },
    message: 'the broker refused to subscribe "theirs/#": not authorized (0x87)',
  })
})

// mosquitto 2.0 says so by neither version.
test.each(['5', '3.1.1'] as const)(
  'where the broker does not say so, by MQTT %s, two clients of one name slow down and say what it looks like',
  async (protocol) => {
    const broker = await start()
    const options = { url: broker.url, clientId: 'same', protocol, retryDelay: '1ms' } as const
    const both = [await client(options), unconnected(options)]
    const told = both.map(
      ({ connection }) =>
        new Promise<Error>((resolve) => {
          connection.events.on('error', ({ error }) => resolve(error))
          connection.events.on('failed', ({ error }) => resolve(error))
        }),
    )
    await both[1]!.connection.connect()
    const error = await Promise.race(told)
    expect(error).toMatchObject({ code: 'CLIENT_TAKEN_OVER', message: expect.stringContaining('"same"') })
    expect(error.message).toContain(new URL(broker.url).host)
  },
)

test('what a session brings before its subscriptions are made is acknowledged then, on this connection', async () => {
  const heard: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let rest = Buffer.alloc(0)
    let subscribeId: readonly number[] = []
    const answer = (packet: Buffer): void => {
      const [kind, id] = [packet[0]! >> 4, [packet[2]!, packet[3]!]]
      // The session is there, and with the word of it come messages: 7 of QoS 1, and 8 of QoS 2.
      if (kind === 1) {
        const messages = [7, 8].flatMap((n) => [n === 7 ? 0x32 : 0x34, 7, 0, 1, 0x74, 0, n, 0, 0x30 + n])
        socket.write(Buffer.from([0x20, 3, 1, 0, 0, ...messages]))
      } else if (kind === 8) subscribeId = id
      else if (kind === 4 || kind === 5) heard.push(`${kind === 4 ? 'puback' : 'pubrec'} ${id[1]}`)
      // This broker grants nothing before it has heard of them.
      if (subscribeId.length > 0 && heard.length === 2) {
        socket.write(Buffer.from([0x90, 4, ...subscribeId, 0, 1]))
        subscribeId = []
      }
    }
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      // All of these are short.
      while (rest.length >= 2 && rest.length >= 2 + rest[1]!) {
        answer(rest.subarray(0, 2 + rest[1]!))
        rest = rest.subarray(2 + rest[1]!)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const resumed = unconnected({
    ...{ url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, clientId: 'back' },
    ...{ patience: 0, attemptTimeout: '5s', subscriptions: [{ filter: 't' }] },
  })
  await resumed.connection.connect()
  expect([heard, resumed.texts]).toEqual([
    ['puback 7', 'pubrec 8'],
    ['7', '8'],
  ])
})

test('a broker that falls silent is noticed within one and a half keep-alives', async () => {
  const broker = await start()
  const proxy = await Proxy.to(broker.port)
  onTestFinished(() => proxy.close())
  const silent = await client({ url: `mqtt://127.0.0.1:${proxy.port}`, keepAlive: '1s', clientId: 'silent' })
  const again = next(silent, 'connected')
  proxy.silence()
  await again
  expect(silent.events).toEqual(['connected', 'disconnected BROKER_UNAVAILABLE', 'connected'])
})

test('by TLS a broker is trusted whose certificate is, and no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millhand-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [keyfile, certfile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      keyfile,
      '-out',
      certfile,
    ],
    { stdio: 'pipe' },
  )
  const broker = await start({ tls: { certfile, keyfile } })
  const { connection } = await client({ url: broker.url, tls: { ca: readFileSync(certfile) } })
  await connection.publish('t', 'secret')
  const error = await failure(unconnected({ url: broker.url, patience: 0 }).connection.connect())
  expect(error).toMatchObject({ code: 'BROKER_UNAVAILABLE', message: expect.stringMatching(/self.signed/) })
})
