/** A stream in a Redis server: what producers store, what groups share, and what becomes of it when things go wrong. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from 'redis'
import { redisStream, type RedisClient } from '../../src/backends/redis/index.ts'
import { keptClock } from '../../src/backends/redis/lua/clock.ts'
import { nodeRedisFor } from '../../src/backends/redis/node-redis.ts'
import { ShardServer } from '../../src/backends/redis/stream/shard-server.ts'
import { StreamKeys } from '../../src/backends/redis/stream/stream-keys.ts'
import { streamScripts } from '../../src/backends/redis/stream/stream-scripts.ts'
import { shardOfKey } from '../../src/stream/source/shards.ts'
import type { GroupView, ShardStore } from '../../src/stream/source/shard-store.ts'
import type { StreamProducer } from '../../src/stream/source/producer.ts'
import type { Assignment, SourceConsumer, SourceRecord } from '../../src/stream/source/source.ts'
import { until } from '../fixtures/until.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import { startRedis } from '../servers/redis.ts'

let server: PrivateServer
let admin: Redis
beforeAll(async () => {
  server = await startRedis()
  admin = new Redis(server.url)
})
afterAll(async () => {
  admin.disconnect()
  await server.stop()
})
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})
let names = 0
const newName = (): string => `prices-${++names}`

const LEASE_MS = 1_000

/** A group's store whose time is ours. */
async function timed(name: string) {
  const clock = `clock-${name}`
  await admin.hset(clock, { wall: 1_000_000, lease: 0 })
  const keys = new StreamKeys('test', name)
  let hints = 0
  const open = (group = 'default'): ShardStore => {
    const store = new ShardServer(
      {
        name,
        shards: undefined,
        keys,
        scripts: streamScripts(keptClock(clock)),
        connection: { client: () => nodeRedisFor(server.url), label: 'redis', commandTimeoutMs: 5_000 },
        label: 'redis',
        allowEviction: false,
      },
      group,
      LEASE_MS,
      { onChange: () => hints++, onRecords: () => {} },
    )
    ends.push(() => store.close())
    return store
  }
  const pass = (ms: number): Promise<number> => admin.hincrby(clock, 'wall', ms)
  return { open, pass, hints: () => hints }
}

/** Time passes while a member beats as often as it does. */
async function beating(
  store: ShardStore,
  member: string,
  ms: number,
  pass: (ms: number) => Promise<unknown>,
): Promise<GroupView> {
  let view = await store.beat(member)
  for (let left = ms; left > 0; left -= LEASE_MS / 3) {
    await pass(Math.round(Math.min(left, LEASE_MS / 3)))
    view = await store.beat(member)
  }
  return view
}

async function made(name: string, shards: number): Promise<StreamProducer> {
  const producer = redisStream(server.url, { name, shards, prefix: 'test' }).producer()
  ends.push(() => producer.close())
  await producer.append('first', '')
  return producer
}

describe('the leases of a group', () => {
  test('are one a shard, each with a token above those before', async () => {
    const name = newName()
    await made(name, 4)
    const { open } = await timed(name)
    const [a, b] = [open(), open()]
    expect(await a.beat('a')).toEqual({ shards: 4, members: ['a'], leases: new Map() })
    await b.beat('b')
    const claims = await a.claim('a', [0, 1, 2])
    expect(claims.map(({ shard, offset }) => [shard, offset])).toEqual([
      [0, null],
      [1, null],
      [2, null],
    ])
    const tokens = claims.map(({ token }) => token)
    expect(tokens).toEqual(tokens.toSorted((x, y) => x - y))
    expect((await b.claim('b', [2, 3])).map(({ shard }) => shard)).toEqual([3])
    const [again] = await a.claim('a', [2])
    expect(again!.token).toBeGreaterThan(tokens.at(-1)!)
    const { members, leases } = await b.beat('b')
    expect(members.toSorted()).toEqual(['a', 'b'])
    expect(leases.get(2)).toEqual({ owner: 'a', token: again!.token })
    expect(leases.size).toBe(4)
  })

  test('let nobody commit who has lost them, and take commits only forward', async () => {
    const name = newName()
    await made(name, 2)
    const { open, pass } = await timed(name)
    const [a, b] = [open(), open()]
    await a.beat('a')
    const [old] = await a.claim('a', [0])
    expect(await a.commit('a', [{ ...old!, offset: '5-5' }])).toEqual([true])
    expect(await a.commit('a', [{ ...old!, offset: '5-4' }])).toEqual([true])
    // The other is stopped past its lease.
    expect((await beating(b, 'b', LEASE_MS + 1, pass)).members).toEqual(['b'])
    const [taken] = await b.claim('b', [0])
    expect(taken).toMatchObject({ shard: 0, offset: '5-5' })
    expect(taken!.token).toBeGreaterThan(old!.token)
    expect(await a.commit('a', [{ ...old!, offset: '6-6' }])).toEqual([false])
    await a.release('a', [{ ...old!, offset: '6-6' }])
    await a.beat('a')
    expect(await a.commit('a', [{ ...old!, offset: '6-6' }])).toEqual([false])
    expect(await b.commit('b', [{ ...taken!, offset: '5-6' }])).toEqual([true])
    await b.release('b', [{ ...taken!, offset: '5-7' }])
    expect(await a.claim('a', [0])).toMatchObject([{ offset: '5-7' }])
  })

  test('that ran out and were taken by nobody hold again when their owner is back', async () => {
    const name = newName()
    await made(name, 1)
    const { open, pass } = await timed(name)
    const store = open()
    await store.beat('a')
    const [claim] = await store.claim('a', [0])
    await pass(LEASE_MS * 10)
    expect((await store.beat('a')).leases.get(0)).toEqual({ owner: 'a', token: claim!.token })
    expect(await store.commit('a', [{ ...claim!, offset: '1-1' }])).toEqual([true])
  })

  test.each([
    ['the server was away', LEASE_MS * 60],
    ['it was away for less than a lease', LEASE_MS * 0.6],
    ['its clock was set back', -LEASE_MS * 60],
  ])('have their time once more when %s', async (_what, ms) => {
    const name = newName()
    await made(name, 2)
    const { open, pass } = await timed(name)
    const store = open()
    await store.beat('a')
    await store.beat('b')
    await store.claim('a', [0])
    await pass(ms)
    expect((await store.beat('b')).members.toSorted()).toEqual(['a', 'b'])
    expect(await store.claim('b', [0])).toEqual([])
    expect((await beating(store, 'b', LEASE_MS - 1, pass)).members.toSorted()).toEqual(['a', 'b'])
    expect((await beating(store, 'b', 2, pass)).members).toEqual(['b'])
    expect(await store.claim('b', [0])).toHaveLength(1)
  })

  test('end with their member, are another for each group, and tell the others of changes', async () => {
    const name = newName()
    await made(name, 2)
    const { open, hints } = await timed(name)
    const [store, other] = [open(), open('other')]
    await store.beat('a')
    await other.beat('a')
    expect(await store.claim('a', [0, 1])).toHaveLength(2)
    expect(await other.claim('a', [0, 1])).toHaveLength(2)
    const before = hints()
    await store.leave('a')
    await until(() => hints() > before)
    expect(await store.beat('b')).toEqual({ shards: 2, members: ['b'], leases: new Map() })
    expect(await store.claim('a', [0])).toEqual([])
    expect((await other.beat('b')).leases.size).toBe(2)
  })
})

describe('a producer', () => {
  const longText = 'a😀'.repeat(10_000)

  test('stores texts and bytes as they are, the messages of a key in order, in the shard of the key', async () => {
    const name = newName()
    const producer = await made(name, 4)
    const { open } = await timed(name)
    const store = open()
    const values: (string | Uint8Array)[] = [
      '',
      '{"bid":1}',
      longText,
      'lone \uD800',
      new Uint8Array(0),
      new Uint8Array([0, 255, 128]),
      '\u0000',
    ]
    const mutable = Buffer.from('before')
    const appended = [
      ...values.map((value) => producer.append('EUR', value)),
      producer.append('EUR', mutable),
    ]
    mutable.write('behind')
    await Promise.all(appended)
    const { records } = await store.read(shardOfKey('EUR', 4), null, 100)
    const data = records.filter(({ key }) => key === 'EUR').map((record) => record.data)
    expect(data).toEqual([...values, new Uint8Array(Buffer.from('before'))])
  })

  test('drops the oldest beyond its bound, and who reads is told how many', async () => {
    const name = newName()
    const producer = redisStream(server.url, { name, shards: 1, prefix: 'test' }).producer({ maxLength: 100 })
    ends.push(() => producer.close())
    const { open } = await timed(name)
    const store = open()
    for (let i = 1; i <= 1_000; i++) void producer.append('EUR', String(i))
    await producer.flush()
    const { records, lost } = await store.read(0, null, 10_000)
    // Who never read anything has missed nothing.
    expect(lost).toBe(0)
    expect(records.length).toBeGreaterThanOrEqual(100)
    expect(records.length).toBeLessThan(300)
    expect(records.at(-1)!.data).toBe('1000')
    const after = '1-5'
    const late = await store.read(0, after, 1)
    expect(late.lost).toBe(Number(late.records[0]!.data) - 6)
    const [first] = late.records
    expect((await store.read(0, first!.offset, 1)).lost).toBe(0)
  })

  test('refuses what cannot be, and more than may wait', async () => {
    const name = newName()
    const stream = redisStream(server.url, { name, prefix: 'test' })
    const producer = stream.producer({ maxRecordBytes: 1_000, maxPending: 3 })
    ends.push(() => producer.close())
    await expect(producer.append(7 as never, '')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(producer.append('', '')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(producer.append('\uD800', '')).rejects.toThrow('lone surrogates')
    await expect(producer.append('k'.repeat(70_000), '')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(producer.append('k', {} as never)).rejects.toThrow('expected data to be')
    await expect(producer.append('k', 'é'.repeat(600))).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    await expect(producer.append('k', 'x'.repeat(100_000_000))).rejects.toThrow('got: 100000000')
    const waiting = [producer.append('k', '1'), producer.append('k', '2'), producer.append('k', '3')]
    await expect(producer.append('k', '4')).rejects.toMatchObject({ code: 'PUBLISH_FULL' })
    expect(producer.pending).toBe(3)
    await Promise.all(waiting)
    expect(producer.pending).toBe(0)
    await producer.close()
    await producer.close()
    await expect(producer.append('k', '')).rejects.toMatchObject({ code: 'INVALID_STATE' })
    const other = redisStream(server.url, { name, shards: 8, prefix: 'test' }).producer()
    ends.push(() => other.close())
    await expect(other.append('k', '')).rejects.toThrow('expected shards to be 16')
    expect(() => stream.producer({ maxLenght: 1 } as never)).toThrow('did you mean "maxLength"?')
    expect(() => redisStream(server.url, { name: '' })).toThrow('expected name')
    expect(() => redisStream(server.url, { name, shards: 1025 })).toThrow('from 1 to 1024')
  })

  test('stores once what it must send again since it has heard no answer', async () => {
    const name = newName()
    const { port, deafen } = await deafening(server.port)
    const stream = redisStream(`redis://127.0.0.1:${port}`, {
      ...{ name, shards: 1, prefix: 'test', commandTimeout: '200ms' },
    })
    const producer = stream.producer()
    ends.push(() => producer.close())
    await producer.append('EUR', '0')
    deafen()
    const log = `${new StreamKeys('test', name).shard(0)}:log`
    const stored = [producer.append('EUR', '1'), producer.append('EUR', '2')]
    await until(async () => (await admin.xlen(log)) === 3)
    expect(producer.pending).toBe(2)
    await Promise.all(stored)
    await producer.append('EUR', '3')
    const entries = await admin.xrange(log, '-', '+')
    expect(entries.map(([, fields]) => fields[3])).toEqual(['0', '1', '2', '3'])
  })

  test('goes on by itself after its server was away, and stores nothing twice', async () => {
    const own = await startRedis({ durable: true })
    ends.push(() => own.stop())
    const name = newName()
    const producer = redisStream(own.url, { name, shards: 2, commandTimeout: '500ms' }).producer({
      batchSize: 5,
    })
    ends.push(() => producer.close())
    await producer.append('EUR', '0')
    const stored: Promise<void>[] = []
    let n = 0
    const feed = setInterval(() => stored.push(producer.append('EUR', String(++n))), 1)
    await until(() => n > 50)
    await own.kill('SIGKILL')
    const before = n
    await until(() => n > before + 100)
    await own.restart()
    await until(() => n > before + 200)
    clearInterval(feed)
    await Promise.all(stored)
    const client = new Redis(own.url)
    ends.push(() => client.disconnect())
    const base = new StreamKeys('millhand', name).shard(shardOfKey('EUR', 2))
    const entries = await client.xrange(`${base}:log`, '-', '+')
    expect(entries.map(([, fields]) => Number(fields[3]))).toEqual(Array.from({ length: n + 1 }, (_, i) => i))
  })
})

/** Passes all on, until it is told to keep the answers of the connections that there are for itself. */
async function deafening(port: number): Promise<{ readonly port: number; readonly deafen: () => void }> {
  const answering = new Set<Socket>()
  const sockets = new Set<Socket>()
  const listener = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    answering.add(far)
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => answering.has(far) && near.write(data))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return { port: (listener.address() as { port: number }).port, deafen: () => answering.clear() }
}

/** Collects what comes, and commits it at once. */
class Collector implements SourceConsumer {
  readonly records_: SourceRecord[] = []
  readonly lost: number[] = []
  readonly source: ReturnType<ReturnType<typeof redisStream>['source']>

  constructor(source: Collector['source']) {
    this.source = source
    ends.push(() => source.stop({ timeout: 0 }))
  }

  async assigned(): Promise<void> {}
  async records(assignment: Assignment, records: readonly SourceRecord[]): Promise<void> {
    this.records_.push(...records)
    this.source.commit(assignment, records.at(-1)!.offset)
  }
  async gap(_assignment: Assignment, lost: number): Promise<void> {
    this.lost.push(lost)
  }
  async drain(): Promise<void> {}
  removed(): void {}
}

/** Stores 300 messages of 30 keys, and reads them by two processes of one group and one of another. */
async function roundTrip(location: string | RedisClient): Promise<void> {
  const stream = redisStream(location, { name: newName(), shards: 8 })
  const producer = stream.producer()
  ends.push(() => producer.close())
  const readers = [
    new Collector(stream.source({ lease: '2s' })),
    new Collector(stream.source({ lease: '2s' })),
    new Collector(stream.source({ lease: '2s', group: 'audit:{1}' })),
  ]
  // The stream does not exist yet.
  await Promise.all(readers.map((reader) => reader.source.start(reader)))
  expect(readers[0]!.source.status().shards).toBe(0)
  const appended: Promise<void>[] = []
  for (let i = 0; i < 300; i++) appended.push(producer.append(`key-${i % 30}`, String(i)))
  await Promise.all(appended)
  const [one, two, audit] = readers
  await until(() => one!.records_.length + two!.records_.length === 300 && audit!.records_.length === 300)
  await until(() => readers.map(({ source }) => source.status().owned.length).join() === '4,4,8')
  for (let k = 0; k < 30; k++) {
    const all = audit!.records_.filter(({ key }) => key === `key-${k}`).map(({ data }) => Number(data))
    expect(all).toEqual(Array.from({ length: 10 }, (_, i) => i * 30 + k))
  }
  await Promise.all(readers.map(({ source }) => source.stop()))
  expect(readers.every(({ lost }) => lost.length === 0)).toBe(true)
}

describe('a stream makes its way through', () => {
  test('node-redis, by its URL', () => roundTrip(server.url))

  test('a client of node-redis', () => roundTrip(createClient({ url: server.url })))

  test('a client of ioredis', async () => {
    const client = new Redis(server.url, { lazyConnect: true })
    await roundTrip(client)
  })

  test('a cluster, its shards on all servers', async () => {
    const cluster = await startRedisCluster()
    ends.push(() => cluster.stop())
    const nodes = cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port }))
    await roundTrip(new Cluster(nodes, { lazyConnect: true }))
    const sizes = await Promise.all(
      cluster.masters.map(async ({ url }) => {
        const client = new Redis(url)
        const keys = await client.keys('*:log')
        client.disconnect()
        return keys.length
      }),
    )
    expect(sizes.reduce((sum, n) => sum + n, 0)).toBe(8)
    expect(sizes.every((n) => n > 0)).toBe(true)
  })
})

describe('a source', () => {
  test('reads what it was told to, and says how far it is', async () => {
    const stream = redisStream(server.url, { name: newName(), shards: 1, prefix: 'test' })
    const producer = stream.producer({ maxLength: 100 })
    ends.push(() => producer.close())
    const events: string[] = []
    const first = new Collector(stream.source())
    first.source.events.on('assigned', ({ shard }) => void events.push(`assigned ${shard}`))
    first.source.events.on('removed', ({ why }) => void events.push(why))
    first.source.events.on('gap', ({ lost }) => void events.push(`gap ${lost}`))
    await producer.append('EUR', '1')
    await first.source.start(first)
    await until(() => first.source.status().owned[0]?.committed)
    expect(first.source.status()).toMatchObject({ members: 1, shards: 1, recordsRead: 1, isHeld: true })
    await first.source.stop()
    // Meanwhile more is appended than is kept.
    for (let i = 2; i <= 1_000; i++) void producer.append('EUR', String(i))
    await producer.flush()
    await first.source.start(first)
    await until(() => first.records_.at(-1)?.data === '1000')
    const [lost] = first.lost
    expect(lost).toBeGreaterThan(500)
    expect(lost! + first.records_.length).toBe(1_000)
    expect(first.source.status().recordsLost).toBe(lost)
    await first.source.stop()
    expect(events).toEqual(['assigned 0', 'released', 'assigned 0', `gap ${lost}`, 'released'])
  })

  test('goes on after its server was away for longer than a lease, and owners stay what they were', async () => {
    const own = await startRedis({ durable: true })
    ends.push(() => own.stop())
    const stream = redisStream(own.url, { name: 'p', shards: 4, commandTimeout: '300ms' })
    const producer = stream.producer()
    ends.push(() => producer.close())
    const appended: Promise<void>[] = []
    const append = (): void => {
      for (let k = 0; k < 20; k++) appended.push(producer.append(`key-${k}`, String(appended.length)))
    }
    append()
    await producer.flush()
    const readers = [1, 2].map(() => new Collector(stream.source({ lease: '2s' })))
    await Promise.all(readers.map((reader) => reader.source.start(reader)))
    const owners = (): string =>
      readers
        .map(({ source }) => source.status().owned.map(({ shard, token }) => `${shard}:${token}`))
        .join(' / ')
    await until(() => readers.every(({ source }) => source.status().owned.length === 2))
    const before = owners()
    await own.kill('SIGKILL')
    await until(() => readers.every(({ source }) => !source.status().isHeld))
    append()
    await own.restart()
    await Promise.all(appended)
    append()
    const read = (): number[] => readers.flatMap(({ records_ }) => records_.map(({ data }) => Number(data)))
    await until(() => new Set(read()).size === 60)
    expect(owners()).toBe(before)
    // They have read nothing a second time either.
    expect(read()).toHaveLength(60)
  })

  test('goes on with what comes when its server has lost everything', async () => {
    const own = await startRedis()
    ends.push(() => own.stop())
    const stream = redisStream(own.url, { name: 'p', shards: 2, commandTimeout: '300ms' })
    const producer = stream.producer()
    ends.push(() => producer.close())
    const reader = new Collector(stream.source({ lease: '600ms' }))
    await producer.append('EUR', 'before')
    await reader.source.start(reader)
    await until(() => reader.records_.length === 1)
    await own.kill('SIGKILL')
    await own.restart()
    await producer.append('EUR', 'behind')
    await until(() => reader.records_.at(-1)?.data === 'behind')
    expect(reader.source.status()).toMatchObject({ shards: 2, isHeld: true })
  })

  test('starts to work when its server can be reached, and says at once what will not mend', async () => {
    const own = await startRedis({ password: 'secret' })
    ends.push(() => own.stop())
    const wrong = new Collector(redisStream(own.url.replace('secret', 'other'), { name: 'p' }).source())
    await expect(wrong.source.start(wrong)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      retryable: false,
    })
    await own.kill('SIGKILL')
    const early = new Collector(
      redisStream(own.url, { name: 'p', commandTimeout: '300ms' }).source({ lease: '1s' }),
    )
    const errors: Error[] = []
    early.source.events.on('error', ({ error }) => void errors.push(error))
    await early.source.start(early)
    expect(errors).toMatchObject([{ code: 'BACKEND_UNAVAILABLE', retryable: true }])
    expect(JSON.stringify(errors.map(String))).not.toContain('secret')
    await own.restart()
    const producer = redisStream(own.url, { name: 'p' }).producer()
    ends.push(() => producer.close())
    await producer.append('EUR', '1')
    await until(() => early.records_.length === 1)
  })
})
