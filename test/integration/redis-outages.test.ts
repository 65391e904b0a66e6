/** What a Redis store does when its server is away, is another one, or is in trouble. */
import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterEach, describe, expect, test } from 'vitest'
import { redis } from '../../src/backends/redis/index.ts'
import { DONE, newJob, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import { startRedisCluster } from '../servers/redis-cluster.ts'
import { startRedisWithSentinel } from '../servers/redis-sentinel.ts'
import { type RedisServerOptions, startRedis } from '../servers/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function server(options?: RedisServerOptions) {
  const started = await startRedis(options)
  ends.push(() => started.stop())
  const admin = new Redis(started.url, { maxRetriesPerRequest: null })
  admin.on('error', () => {})
  ends.push(() => admin.disconnect())
  return { started, admin }
}

function subject(...args: Parameters<typeof redis>): Subject {
  const backend = redis(...args)
  ends.push(() => backend.close())
  return new Subject(backend, {
    open: async () => backend,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: () => backend.close(),
  })
}

/** Tries until it works, as the runtime does; every failure on the way must be worth a repetition. */
async function untilItWorks<T>(operation: () => Promise<T>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await operation()
    } catch (error) {
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Passes bytes on until it is told to swallow them: both ends of a connection believe that all is well. */
async function proxy(port: number): Promise<{ port: number; swallow(): void }> {
  let swallowing = new Set<Socket>()
  const pairs = new Set<Socket>()
  const listener: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      pairs.add(from)
      from.on('error', () => {})
      from.on('data', (data) => swallowing.has(from) || to.write(data))
      from.on('close', () => swallowing.has(from) || to.destroy())
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  ends.push(() => {
    for (const socket of pairs) socket.destroy()
    listener.close()
  })
  return {
    port: (listener.address() as { port: number }).port,
    swallow: () => (swallowing = new Set(pairs)),
  }
}

describe('a server', () => {
  test('that is down at start is told of quickly, and used as soon as it is up', async () => {
    const { started } = await server({ durable: true })
    await started.kill('SIGKILL')
    const s = subject(started.url)
    const before = performance.now()
    await expect(s.backend.open()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    expect(performance.now() - before).toBeLessThan(4_000)
    await started.start()
    await untilItWorks(() => s.backend.open())
    await s.addOne()
  })

  test('that is killed and comes back is used again, and what it had acknowledged is there', async () => {
    const { started } = await server({ durable: true })
    const s = subject(started.url)
    await s.backend.open()
    const held = await s.held()
    const id = await s.addOne()
    await started.kill('SIGKILL')
    await expect(s.take()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    await started.start()
    expect(await untilItWorks(() => s.settle(held, DONE))).toMatchObject({ status: 'ok' })
    expect((await s.takeOne()).id).toBe(id)
  })

  test('hints again after it came back', async () => {
    const { started } = await server({ durable: true })
    const s = subject(started.url)
    await s.backend.open()
    let hints = 0
    s.backend.watch(s.queue, () => hints++)
    await expect.poll(() => hints).toBeGreaterThan(0)
    await started.kill('SIGKILL')
    await started.start()
    await untilItWorks(() => s.take())
    const before = hints
    await s.addOne()
    await expect.poll(() => hints, { timeout: 10_000 }).toBeGreaterThan(before)
  })

  test('whose connections are killed is used again at once', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await s.backend.open()
    for (let n = 0; n < 5; n++) {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      const job = newJob()
      await untilItWorks(() => s.enqueue([job]))
    }
    expect(await s.take()).toHaveLength(5)
  })

  test('whose connection has fallen silent is found, and reached by a new one', async () => {
    const { started } = await server()
    const through = await proxy(started.port)
    const s = subject(`redis://127.0.0.1:${through.port}`, { commandTimeout: 400 })
    await s.addOne()
    through.swallow()
    const before = performance.now()
    await expect(s.take()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    expect(performance.now() - before).toBeLessThan(4_000)
    expect(await untilItWorks(() => s.take())).toHaveLength(1)
  })

  test('that forgot the scripts is given them again', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await s.addOne()
    await admin.script('FLUSH')
    expect(await s.take()).toHaveLength(1)
  })

  test('that is made a replica refuses in a way worth repeating', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await s.addOne()
    await admin.call('REPLICAOF', '127.0.0.1', '1')
    await expect(s.addOne()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    await admin.call('REPLICAOF', 'NO', 'ONE')
    expect(await untilItWorks(() => s.take())).toHaveLength(1)
  })

  test('whose memory is full takes no more jobs, but settles and gives those it has', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await s.add({}, {})
    const job = await s.takeOne({ limit: 1 })
    await admin.call('CONFIG', 'SET', 'maxmemory', '1mb')
    await expect(s.addOne()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    await s.settled(job, DONE)
    await s.settled(await s.takeOne(), { kind: 'retry', again: { delayMs: 0 }, error: ERROR })
    await s.settled(await s.takeOne(), DONE)
    await admin.call('CONFIG', 'SET', 'maxmemory', '0')
    await s.addOne()
  })

  test('whose disk is full says so, and is used again when it is not', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await s.backend.open()
    await admin.call('CONFIG', 'SET', 'save', '3600 1')
    await admin.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes')
    await breakSaving(admin, started.folder)
    await expect(s.addOne()).rejects.toThrow(/cannot write to its disk/)
    await expect(s.addOne()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    await admin.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
    await s.addOne()
    await admin.call('CONFIG', 'SET', 'save', '')
  })
})

const ERROR = { name: 'Error', message: 'not yet', code: null, stack: null }

/** A folder in the place of the file makes saving fail, for root as well. */
async function breakSaving(admin: Redis, folder: string): Promise<void> {
  mkdirSync(`${folder}/dump.rdb/in-the-way`, { recursive: true })
  await admin.call('BGSAVE')
  await expect.poll(() => admin.info('persistence')).toContain('rdb_last_bgsave_status:err')
}

describe('Sentinel', () => {
  test('a fail-over is followed, by a client of ioredis', { timeout: 60_000 }, async () => {
    const servers = await startRedisWithSentinel()
    ends.push(() => servers.stop())
    const client = new Redis({
      sentinels: [{ host: '127.0.0.1', port: servers.sentinel.port }],
      name: servers.name,
      lazyConnect: true,
    })
    const s = subject(client)
    await untilItWorks(() => s.addOne())
    const replica = new Redis(servers.replica.url)
    ends.push(() => replica.disconnect())
    await expect.poll(() => replica.keys('*:j')).not.toEqual([])
    await servers.master.kill('SIGKILL')
    expect(await untilItWorks(() => s.take(), 30_000)).toHaveLength(1)
    await untilItWorks(() => s.enqueue([newJob()]))
  })
})

describe('a Cluster', () => {
  test.each(['ioredis', 'node-redis'] as const)(
    'spreads queues over its servers, or keeps them together, by a client of %s',
    { timeout: 60_000 },
    async (driver) => {
      const cluster = await startRedisCluster()
      ends.push(() => cluster.stop())
      const nodes = cluster.masters.map(({ port }) => ({ host: '127.0.0.1', port }))
      const client = (): Parameters<typeof redis>[0] =>
        driver === 'ioredis'
          ? new Cluster(nodes, { lazyConnect: true })
          : createCluster({ rootNodes: nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })) })
      const spread = subject(client(), { prefix: 'spread' })
      const queues = Array.from({ length: 10 }, (_, n) => spread.at(`queue-${n}`))
      for (const queue of queues) await queue.add({}, {})
      for (const queue of queues) {
        const [job] = await queue.take({ owner: spread.owner, token: `${spread.owner}:${queue.queue}` })
        expect(await queue.settle(job!, DONE, [{ queue: queue.queue, jobs: [newJob()] }])).toMatchObject({
          status: 'ok',
        })
      }
      expect(await spread.backend.renew(spread.owner, 1000)).toHaveLength(10)
      expect(await spread.backend.stats()).toHaveLength(10)
      const other = spread.at('other')
      const held = await other.held()
      await expect(other.settle(held, DONE, [{ queue: 'queue-1', jobs: [newJob()] }])).rejects.toMatchObject({
        code: 'UNSUPPORTED',
      })
      expect(await other.state(held.id)).toBe('active')

      const together = subject(client(), { prefix: 'together', hashTag: 'store' })
      const job = await together.held()
      await together.settle(job, DONE, [{ queue: 'another', jobs: [newJob()] }])
      expect(await together.at('another').take()).toHaveLength(1)
      let hinted = false
      together.backend.watch('another', () => (hinted = true))
      await expect.poll(() => hinted).toBe(true)
    },
  )
})

describe('opening refuses', () => {
  const refused = async (backend: Backend): Promise<Error & { code: string; retryable?: boolean }> => {
    ends.push(() => backend.close())
    const error = await backend.open().then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown as Error & { code: string },
    )
    expect(
      JSON.stringify(error) + error.stack + String((error.cause as Error | undefined)?.stack),
    ).not.toContain('hunter2')
    return error
  }

  test('a wrong password, without showing it', async () => {
    const { started, admin } = await server()
    await admin.call('CONFIG', 'SET', 'requirepass', 'secret')
    const error = await refused(redis(started.url.replace('//', '//:hunter2@')))
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
    expect(error.message).toMatch(/user name or password/)
    expect((await refused(redis(started.url))).message).toMatch(/password/)
  })

  test('a database that is not there', async () => {
    const { started } = await server()
    const error = await refused(redis(`${started.url}/99`))
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
    expect(error.message).toMatch(/out of range/)
  })

  test('a policy that may drop jobs, unless it is allowed', async () => {
    const { started } = await server({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    expect((await refused(redis(started.url))).message).toMatch(/noeviction, got: allkeys-lru/)
    await subject(started.url, { allowEviction: true }).addOne()
  })

  test("another program's keys, newer stores, and another hash tag", async () => {
    const { started, admin } = await server()
    await admin.hset('millhand:store', 'a', 'b')
    expect((await refused(redis(started.url))).code).toBe('BACKEND_FOREIGN')
    await admin.set('other:store', 'hello')
    expect((await refused(redis(started.url, { prefix: 'other' }))).code).toBe('BACKEND_FOREIGN')
    await admin.set('new:store', 'millhand 2 queue')
    expect((await refused(redis(started.url, { prefix: 'new' }))).code).toBe('BACKEND_NEWER')
    await subject(started.url, { prefix: 'mine' }).addOne()
    expect((await refused(redis(started.url, { prefix: 'mine', hashTag: 'store' }))).code).toBe(
      'INVALID_OPTION',
    )
  })

  test('keys of another kind under the names of a queue', async () => {
    const { started, admin } = await server()
    const s = subject(started.url)
    await admin.set(`{millhand:${s.queue}}:meta`, 'mine')
    await expect(s.addOne()).rejects.toMatchObject({ code: 'BACKEND_FOREIGN' })
  })

  test('a user without the rights', async () => {
    const { started, admin } = await server()
    await admin.call('ACL', 'SETUSER', 'ada', 'on', '>hunter2', '+@connection', '+info', '+get', '~*')
    const error = await refused(redis(started.url.replace('//', '//ada:hunter2@')))
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
    expect(error.message).toMatch(/does not let this user/)
  })
})

test('the rights that the guide names are enough', async () => {
  const { started, admin } = await server()
  const rights = '~millhand:* ~{millhand* &{millhand* +@all -@dangerous +info'.split(' ')
  await admin.call('ACL', 'SETUSER', 'ada', 'on', '>secret', 'resetchannels', ...rights)
  const s = subject(started.url.replace('//', '//ada:secret@'))
  let hinted = false
  s.backend.watch(s.queue, () => (hinted = true))
  const job = await s.held()
  await s.backend.renew(s.owner, 1000)
  await s.maintain()
  await s.settled(job, DONE)
  await s.backend.stats()
  await expect.poll(() => hinted).toBe(true)
})

test('a queue that a newer version has written is left alone', async () => {
  const { started, admin } = await server()
  const s = subject(started.url)
  await s.addOne()
  await admin.hset(`{millhand:${s.queue}}:meta`, 'format', 2)
  await expect(s.take()).rejects.toMatchObject({ code: 'BACKEND_NEWER' })
  await admin.hdel(`{millhand:${s.queue}}:meta`, 'format')
  expect(await s.take()).toHaveLength(1)
})

test('queues with braces in their names are told apart', async () => {
  const { started } = await server()
  const s = subject(started.url)
  const names = ['{a}', 'a', '{', '}', '{}', 'a}:j', '%7Ba%7D', '}{']
  for (const name of names) await s.at(name).add({ id: name })
  for (const name of names) expect(await s.at(name).takeIds()).toEqual([name])
  expect((await s.backend.stats()).map(({ queue }) => queue).toSorted()).toEqual(names.toSorted())
})

test('jobs in the middle of a long line are cancelled, purged and added again without losing the order', async () => {
  const { started } = await server()
  const s = subject(started.url)
  const ids = Array.from({ length: 1500 }, (_, n) => `job-${n}`)
  await s.add(...ids.map((id) => ({ id })))
  const middle = ids.slice(100, 900)
  await s.backend.cancel(s.queue, middle.slice(0, 600), 0)
  await s.backend.purge({ queue: s.queue, ids: middle.slice(600), limit: 1000 })
  await s.add(...middle.slice(0, 5).map((id) => ({ id })))
  expect((await s.backend.stats(s.queue))[0]?.counts.waiting).toBe(705)
  expect((await s.backend.list({ queue: s.queue, limit: 2000 })).map(({ id }) => id)).toEqual([
    ...ids.slice(0, 100),
    ...ids.slice(900),
    ...middle.slice(0, 5),
  ])
  const taken: string[] = []
  for (let n = 0; n < 12; n++) taken.push(...(await s.takeIds({ limit: 80 })))
  expect(taken).toEqual([...ids.slice(0, 100), ...ids.slice(900), ...middle.slice(0, 5)])
})
