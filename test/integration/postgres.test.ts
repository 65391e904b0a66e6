/** What a Postgres store does when its server, its rights or its neighbours are not as they should be. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromUrl, postgres, type PostgresOptions } from '../../src/backends/postgres/index.ts'
import { lockSpace } from '../../src/backends/postgres/schema.ts'
import { DONE, newJob, POLICY, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { Proxy } from '../../chaos/proxy.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: PrivateServer
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  server = await startPostgres({ password: 's3cr%t', settings: { max_connections: '60' } })
}, 60_000)
afterAll(async () => {
  for (const each of opened) await each.close()
  await server.stop()
})

async function open(url: string, options: PostgresOptions = {}): Promise<Backend> {
  const backend = postgres(url, options)
  opened.push(backend)
  await backend.open()
  return backend
}

const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }

function worker(backend: Backend, queue: string = randomUUID()): Subject {
  return new Subject(backend, harness, queue)
}

async function asAdmin<T>(work: (client: pg.Client) => Promise<T>, url: string = server.url): Promise<T> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function failure(promise: Promise<unknown>): Promise<Error & { code: string; retryable: boolean }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Error)) throw new Error('expected a rejection')
  return error as Error & { code: string; retryable: boolean }
}

/** Tries until it is done; every failure on the way must say that it is worth another try. */
async function eventually<T>(work: () => Promise<T>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

describe('the schema', () => {
  test('is made once by twenty that open at the same time', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, () => open(server.url, { schema: 'twenty', connections: 1 })),
    )
    const queue = randomUUID()
    for (const backend of all) await worker(backend, queue).addOne()
    expect((await worker(all[0]!, queue).take()).length).toBe(20)
    for (const backend of all) await backend.close()
  })

  test('of a newer version, or of another program, is not touched', async () => {
    const backend = await open(server.url, { schema: 'newer' })
    await backend.close()
    await asAdmin(async (client) => {
      await client.query("UPDATE newer.meta SET value = '99' WHERE name = 'schema_version'")
      await client.query('CREATE SCHEMA foreign_; CREATE TABLE foreign_.job (id int)')
    })
    expect(await failure(open(server.url, { schema: 'newer' }))).toMatchObject({ code: 'BACKEND_NEWER' })
    expect(await failure(open(server.url, { schema: 'foreign_' }))).toMatchObject({ code: 'BACKEND_FOREIGN' })
  })

  test('that is there is enough for a role that may only use it, and who may not use it is told', async () => {
    const schema = 'least'
    await (await open(server.url, { schema })).close()
    await asAdmin(async (client) => {
      for (const role of ['runner', 'stranger'])
        await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw-${role}'`)
      await client.query(`GRANT USAGE ON SCHEMA ${schema} TO runner`)
      await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO runner`)
      await client.query(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO runner`)
    })
    const as = (role: string): string => server.url.replace(/\/\/[^@]*@/, `//${role}:pw-${role}@`)
    const s = worker(await open(as('runner'), { schema }))
    const job = await s.held()
    await s.settled(job, DONE)
    await s.maintain()
    const error = await failure(open(as('stranger'), { schema }))
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
    expect(error.message).toMatch(/rights/)
    expect((await failure(open(as('stranger'), { schema: 'another' }))).message).toMatch(/rights/)
  })
})

describe('a URL', () => {
  test('with a wrong password or database is refused for good, and shows no password', async () => {
    const wrong = server.url.replace(/:[^:@]*@/, ':wr0ng-pw@')
    for (const url of [wrong, server.url.replace(/\/postgres$/, '/nowhere')]) {
      const error = await failure(open(url))
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
      const text = `${error.message} ${(error.cause as Error).message} ${JSON.stringify(error.cause)}`
      expect(text).not.toMatch(/wr0ng-pw|s3cr/)
    }
  })

  test('of another scheme, or that cannot be read, is refused without being shown', () => {
    for (const url of [
      'http://u:s3cret@h/db',
      'postgres:',
      'postgres://u:s3cret@h:port/db',
      'postgres://h/db?millhand_shema=x',
    ]) {
      expect(() => fromUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
      expect(() => fromUrl(url)).not.toThrow(/s3cret/)
    }
  })

  test('of capabilities opens the same store', async () => {
    const backend = await open(server.url, { schema: 'by url' })
    const s = worker(backend)
    const id = await s.addOne()
    const other = fromUrl(backend.capabilities.url!)
    opened.push(other)
    await other.open()
    expect(await worker(other, s.queue).state(id)).toBe('waiting')
  })
})

describe('order and vacuum', () => {
  test('a job whose transaction is committed long after later ones is not passed by', async () => {
    const backend = await open(server.url, { schema: 'late' })
    const s = worker(backend)
    const id = randomUUID()
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query('BEGIN')
    await backend.enqueue({ queue: s.queue, jobs: [newJob({ id })], maxLength: null }, client)
    await through(s, 8000)
    await client.query('COMMIT')
    await client.end()
    expect(await s.takeIds()).toEqual([id])
    // And the line moves on afterwards.
    await through(s, 8000)
    expect(await lag('late', s.queue)).toBeLessThan(6000)
  }, 60_000)

  test('a claim that waits for another is given what that one has promoted and left', async () => {
    const backend = await open(server.url, { schema: 'promoted' })
    const s = worker(backend)
    const ids = await s.add({ delayMs: 1 }, { delayMs: 1 })
    const claim = await asAdmin(async (client) => {
      const lock = 'SELECT pg_advisory_xact_lock($1, queue_id) FROM promoted.queue WHERE name = $2'
      const due = 'SELECT FROM promoted.job WHERE run_at <= promoted.now_ms()'
      const isDue = async (): Promise<boolean> => (await client.query(due)).rowCount === 2
      await expect.poll(isDue).toBe(true)
      await client.query('BEGIN')
      await client.query(lock, [lockSpace('promoted'), s.queue])
      const asked = backend.claim(s.request({ limit: 1 }))
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND NOT granted`
      const isWaiting = async (): Promise<boolean> =>
        (await client.query(waiting, [lockSpace('promoted')])).rowCount === 1
      await expect.poll(isWaiting).toBe(true)
      await client.query('SELECT promoted.promote(queue_id, promoted.now_ms(), 100) FROM promoted.queue')
      await client.query('COMMIT')
      return await asked
    })
    expect(claim.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 1))
  })

  test('a claim that is asked for again while the first is still at it gives the same', async () => {
    const backend = await open(server.url, { schema: 'twice' })
    const s = worker(backend)
    const id = await s.addOne()
    const request = s.request()
    const claims = await asAdmin(async (client) => {
      await client.query('BEGIN')
      await client.query('SELECT pg_advisory_xact_lock($1, queue_id) FROM twice.queue WHERE name = $2', [
        lockSpace('twice'),
        s.queue,
      ])
      const asked = [backend.claim(request), backend.claim(request)]
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND NOT granted`
      const isWaiting = async (): Promise<boolean> =>
        (await client.query(waiting, [lockSpace('twice')])).rowCount === 2
      await expect.poll(isWaiting).toBe(true)
      await client.query('COMMIT')
      return Promise.all(asked)
    })
    expect(claims.map(({ jobs }) => jobs.map((job) => job.id))).toEqual([[id], [id]])
  })

  test('claims do not walk over the dead rows that an idle transaction keeps from vacuum', async () => {
    const backend = await open(server.url, { schema: 'held' })
    const s = worker(backend)
    await asAdmin(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await client.query('SELECT count(*) FROM held.job')
      await client.query('SELECT pg_current_xact_id()')
      await through(s, 16_000)
      expect(await lag('held', s.queue)).toBeLessThan(6000)
    })
  }, 60_000)

  /** How many numbers lie between the head of a queue's only line and the last that was given. */
  async function lag(schema: string, queue: string): Promise<number> {
    const { rows } = await asAdmin((client) =>
      client.query<{ lag: string }>(
        `SELECT (SELECT last_value FROM ${schema}.job_seq) - max(head) AS lag FROM ${schema}.line JOIN ${schema}.queue USING (queue_id) WHERE name = $1`,
        [queue],
      ),
    )
    return Number(rows[0]!.lag)
  }

  async function through(s: Subject, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1000) {
      await s.enqueue(Array.from({ length: 1000 }, () => newJob()))
      for (let left = 1000; left > 0;) {
        const jobs = await s.take({ limit: 200 })
        const settled = await s.backend.settle(jobs.map((job) => ({ ref: s.ref(job), outcome: DONE })))
        left -= settled.filter(({ status }) => status === 'ok').length
        if (jobs.length === 0) break
      }
    }
  }
})

describe('connections', () => {
  test('that are shared out by a pooler need not remember statements', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 })
    const backend = postgres(pool, { schema: 'pooled', listen: false })
    await backend.open()
    const s = worker(backend)
    await s.addOne()
    await pool.query('DEALLOCATE ALL')
    await s.settled(await s.takeOne(), DONE)
    await backend.close()
    await pool.end()
  })

  test('that the server cuts off are made anew, and watchers hear again', async () => {
    const backend = await open(server.url, { schema: 'cut' })
    const s = worker(backend)
    const other = worker(await open(server.url, { schema: 'cut' }), s.queue)
    let hints = 0
    const heard = (): number => hints
    s.backend.watch(s.queue, () => hints++)
    await s.addOne()
    await asAdmin((client) =>
      client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = $1',
        ['millhand'],
      ),
    )
    await eventually(() => s.take())
    // The listening connection comes back by itself, with a hint for whatever was missed.
    const before = heard()
    const deadline = performance.now() + 15_000
    do {
      await eventually(() => other.addOne())
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(performance.now()).toBeLessThan(deadline)
    } while (heard() === before)
  })

  test('that are all taken are no reason to give up', async () => {
    await asAdmin(async (admin) => {
      const backend = await open(server.url, { schema: 'full', connections: 2 })
      await admin.query('CREATE ROLE narrow LOGIN CONNECTION LIMIT 1 PASSWORD $$pw-narrow$$ SUPERUSER')
      await admin.query('ALTER ROLE narrow NOSUPERUSER')
      await admin.query('GRANT ALL ON SCHEMA "full" TO narrow')
      await backend.close()
      const url = server.url.replace(/\/\/[^@]*@/, '//narrow:pw-narrow@')
      await asAdmin(async () => {
        const error = await failure(open(url, { schema: 'full', connections: 1 }))
        expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      }, url)
    })
  })

  test('a server that is killed and comes back finds its workers at work', async () => {
    const own = await startPostgres({ durable: true })
    try {
      const s = worker(await open(own.url))
      const held = await s.held()
      await s.settled(held, {
        kind: 'retry',
        again: { delayMs: 0 },
        error: { name: 'E', message: 'm', code: null, stack: null },
      })
      await own.kill('SIGKILL')
      const error = await failure(s.addOne())
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      await own.start()
      const again = await eventually(() => s.takeOne())
      expect(again.id).toBe(held.id)
      await s.settled(again, DONE)
      await s.backend.releaseOwner(s.owner, POLICY)
    } finally {
      await own.stop()
    }
  }, 60_000)

  test("that all fell silent in somebody's pool are found out at once, not one by one", async () => {
    const proxy = await Proxy.to(Number(new URL(server.url).port))
    const url = server.url.replace(/:\d+\//, `:${proxy.port}/`)
    const pool = new pg.Pool({ connectionString: url, max: 8 })
    pool.on('error', () => {})
    try {
      const backend = postgres(pool, { schema: 'silenced', listen: false, timeout: '500ms' })
      await backend.open()
      const s = worker(backend)
      await Promise.all(Array.from({ length: 8 }, () => backend.stats(s.queue)))
      expect(pool.idleCount).toBeGreaterThan(2)
      proxy.silence()
      expect(await failure(s.addOne())).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      await s.addOne()
      proxy.silence()
      const waiting = failure(s.addOne())
      backend.reconnect!()
      expect(await waiting).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      await s.addOne()
      await backend.close()
    } finally {
      await pool.end()
      await proxy.close()
    }
  })

  test('a silent server is found out by the deadline, and reconnect gives up at once', async () => {
    const own = await startPostgres()
    try {
      const backend = await open(own.url, { timeout: '500ms' })
      const s = worker(backend)
      await s.addOne()
      await own.kill('SIGSTOP')
      // Its children answer nothing either.
      const before = performance.now()
      const stopped = await stopChildren(own.pid)
      // The server may have got it, and do it later: asked for again, it gives the same.
      const request = s.request()
      const claim = (): Promise<unknown> => backend.claim(request)
      expect(await failure(claim())).toMatchObject({ retryable: true })
      expect(performance.now() - before).toBeLessThan(5_000)
      const waiting = failure(claim())
      backend.reconnect!()
      expect(await waiting).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      for (const pid of stopped) process.kill(pid, 'SIGCONT')
      await own.kill('SIGCONT')
      expect((await eventually(() => backend.claim(request))).jobs.length).toBe(1)
    } finally {
      await own.stop()
    }
  }, 60_000)
})

async function stopChildren(parent: number): Promise<number[]> {
  const { readFile, readdir } = await import('node:fs/promises')
  const pids: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) continue
    process.kill(Number(name), 'SIGSTOP')
    pids.push(Number(name))
  }
  return pids
}
