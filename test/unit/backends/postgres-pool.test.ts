import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { OwnClient, PgQuery } from '../../../src/backends/postgres/client.ts'
import { Pool } from '../../../src/backends/postgres/pool.ts'

/** A connection that does what it is told, when it is told. */
class Fake extends EventEmitter {
  readonly asked: string[] = []
  readonly connected = Promise.withResolvers<void>()
  readonly connection = { stream: { destroy: (): void => void this.emit('end') } }
  ended = false
  #answers: PromiseWithResolvers<unknown>[] = []

  connect(): Promise<void> {
    return this.connected.promise
  }

  query({ text }: PgQuery, done?: (error: Error | null, result?: unknown) => void): Promise<unknown> {
    this.asked.push(text)
    const answer = Promise.withResolvers<unknown>()
    this.#answers.push(answer)
    if (done !== undefined) answer.promise.then((result) => done(null, result), done)
    return answer.promise
  }

  async answer(error?: Error): Promise<void> {
    const { resolve, reject } = this.#answers.shift()!
    if (error === undefined) resolve('answer')
    else reject(error)
    await settled()
  }

  async open(): Promise<void> {
    this.connected.resolve()
    await settled()
  }

  end(): Promise<void> {
    this.ended = true
    return Promise.resolve()
  }

  ref(): void {}
  unref(): void {}
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function pool(max: number, patienceMs = 60_000): { pool: Pool; made: Fake[] } {
  const made: Fake[] = []
  const make = (): OwnClient => {
    const fake = new Fake()
    fake.on('error', () => {})
    made.push(fake)
    return fake
  }
  return { pool: new Pool({ max, patienceMs, make, ready: () => Promise.resolve() }), made }
}

const statement = (name: string): PgQuery => ({ text: name, name })

test('a statement goes to a connection that knows it', async () => {
  const { pool: connections, made } = pool(10)
  const asking = ['add', 'claim'].map((name) => connections.query(statement(name)))
  for (const fake of made) await fake.open()
  for (const fake of made) await fake.answer()
  await Promise.all(asking)
  for (const name of ['add', 'add', 'claim', 'add', 'claim', 'claim']) {
    const asked = connections.query(statement(name))
    await settled()
    await made.find((fake) => fake.asked[0] === name)!.answer()
    await asked
  }
  expect(made.map(({ asked }) => asked)).toEqual([
    ['add', 'add', 'add', 'add'],
    ['claim', 'claim', 'claim', 'claim'],
  ])
})

test('who waits for a new connection gets one that comes free before', async () => {
  const { pool: connections, made } = pool(10)
  const first = connections.query(statement('add'))
  await made[0]!.open()
  const second = connections.query(statement('add'))
  expect(made).toHaveLength(2)
  await made[0]!.answer()
  await first
  expect(made[0]!.asked).toEqual(['add', 'add'])
  await made[0]!.answer()
  expect(await second).toBe('answer')
})

test('two are opened at a time, and no more than are allowed', async () => {
  const { pool: connections, made } = pool(3)
  const asking = Array.from({ length: 6 }, () => connections.query(statement('add')))
  expect(made).toHaveLength(2)
  await made[0]!.open()
  expect(made).toHaveLength(3)
  await made[1]!.open()
  await made[2]!.open()
  expect(made).toHaveLength(3)
  for (const fake of [...made, ...made]) await fake.answer()
  expect(await Promise.all(asking)).toHaveLength(6)
})

test('one that failed is closed, and another is opened for who waits', async () => {
  const { pool: connections, made } = pool(1)
  const first = connections.query(statement('add'))
  await made[0]!.open()
  const second = connections.query(statement('add'))
  const failed = expect(first).rejects.toThrow('terminated')
  await made[0]!.answer(new Error('Connection terminated unexpectedly'))
  await failed
  expect(made[0]!.ended).toBe(true)
  await made[1]!.open()
  await made[1]!.answer()
  expect(await second).toBe('answer')
})

test('one whose statement was refused is kept', async () => {
  const { pool: connections, made } = pool(1)
  const first = connections.query(statement('add'))
  await made[0]!.open()
  const refused = expect(first).rejects.toThrow('duplicate key')
  await made[0]!.answer(Object.assign(new Error('duplicate key'), { code: '23505' }))
  await refused
  void connections.query(statement('add'))
  await settled()
  expect(made).toHaveLength(1)
  expect(made[0]!.asked).toHaveLength(2)
})

test('an idle one that is cut off is not lent again', async () => {
  const { pool: connections, made } = pool(5)
  const first = connections.query(statement('add'))
  await made[0]!.open()
  await made[0]!.answer()
  await first
  made[0]!.emit('end')
  void connections.query(statement('add'))
  expect(made).toHaveLength(2)
})

test('a server that refuses is heard of by all who wait, unless another connection can serve them', async () => {
  const { pool: connections, made } = pool(5)
  const refused = ['a', 'b'].map((name) =>
    expect(connections.query(statement(name))).rejects.toThrow('refused'),
  )
  made[0]!.connected.reject(new Error('refused'))
  await Promise.all(refused)
  await made[1]!.open()
  const [served, waits] = [connections.query(statement('a')), connections.query(statement('b'))]
  await settled()
  made[2]!.connected.reject(new Error('no connection left'))
  await settled()
  await made[1]!.answer()
  await served
  await made[1]!.answer()
  expect(await waits).toBe('answer')
})

test('who waits for too long is told so', async () => {
  const { pool: connections, made } = pool(1, 10)
  const alive = setInterval(() => {}, 5)
  const first = connections.query(statement('add'))
  await made[0]!.open()
  await expect(connections.query(statement('add'))).rejects.toThrow('no connection came free within 10 ms')
  clearInterval(alive)
  await made[0]!.answer()
  await first
})

test('its end waits for what is lent, and nothing is lent any more', async () => {
  const { pool: connections, made } = pool(5)
  const lending = connections.connect()
  await made[0]!.open()
  const client = await lending
  let over = false
  const ending = connections.end().then(() => (over = true))
  await expect(connections.query(statement('add'))).rejects.toThrow('closed')
  expect(over).toBe(false)
  client.release!()
  await ending
  expect(made[0]!.ended).toBe(true)
})

test('a statement that is not answered in time is refused, and its connection closed; the others go on', async () => {
  const { pool: connections, made } = pool(2)
  const slow = connections.query({ text: 'slow', query_timeout: 20 })
  const other = connections.query({ text: 'other', query_timeout: 60_000 })
  await made[0]!.open()
  await made[1]!.open()
  await expect(slow).rejects.toThrow('the statement was not answered in time')
  expect(made.map(({ ended }) => ended)).toEqual([true, false])
  await made[1]!.answer()
  expect(await other).toBe('answer')
})

test('when a statement is not answered in time, what has been idle since before it is not lent again', async () => {
  const { pool: connections, made } = pool(3)
  const asking = ['a', 'b', 'c'].map((name) => connections.query(statement(name)))
  await made[0]!.open()
  for (const fake of made.slice(1)) await fake.open()
  for (const fake of made) await fake.answer()
  await Promise.all(asking)
  const silent = connections.query({ ...statement('a'), query_timeout: 20 })
  const heard = connections.query(statement('b'))
  await settled()
  await made[1]!.answer()
  await heard
  await expect(silent).rejects.toThrow('the statement was not answered in time')
  expect(made.map(({ ended }) => ended)).toEqual([true, false, true])
  void connections.query(statement('a'))
  await settled()
  expect(made[1]!.asked).toEqual(['b', 'b', 'a'])
})
