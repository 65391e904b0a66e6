/** What a pool is for: functions run elsewhere, with their arguments, results and errors as if they ran here. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { WorkerPool } from '../../src/pool/index.ts'
import { errorOf, fixture, newPath, PLACEMENTS, poolOf, poolOfTasks } from '../fixtures/pool/pools.ts'
import { fail } from '../fixtures/pool/tasks.ts'
import { until } from '../fixtures/until.ts'

describe.each(PLACEMENTS)('a pool of a %s', (placement) => {
  test('calls functions elsewhere, by name or by the function itself', async () => {
    const pool = poolOfTasks({ placement })
    const here = `${process.pid}:0:true:true`
    expect(await pool.run('add', [1, 2])).toBe(3)
    expect(await pool.run('echo', [{ list: [1, new Date(0)], map: new Map([['a', 1n]]) }])).toEqual({
      list: [1, new Date(0)],
      map: new Map([['a', 1n]]),
    })
    expect(await pool.run('whoAmI')).not.toBe(here)
    expect(await errorOf(pool.run(fail, ['by function']))).toMatchObject({ message: 'by function' })
  })

  test('each call has its own copy of its arguments, and each caller of the result', async () => {
    // Else a function that changes what it was given changes it for the next call, since both came in one message.
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    await pool.run('stamp', [{}])
    const box = {}
    const nested = { seen: 0, box }
    const calls = [box, box, { seen: 0, box }, nested, nested, box].map((each) => pool.run('stamp', [each]))
    expect(await Promise.all(calls)).toEqual([1, 1, 1, 1, 1, 1])
    const [one, other] = await Promise.all([pool.run('sameAgain'), pool.run('sameAgain')])
    one.text = 'changed'
    expect(other.text).toBe('as it was')
  })

  test('an argument that cannot even be looked at fails its call, and no other', async () => {
    // Else one caller stops the pool for all.
    const pool = poolOfTasks({ placement })
    await pool.start()
    const bad = {
      get secret(): never {
        throw new Error('do not look')
      },
    }
    const calls = [pool.run('add', [1, 1]), pool.run('ignore', [bad]), pool.run('add', [2, 2])]
    expect(await errorOf(calls[1]!)).toMatchObject({ code: 'NOT_COPYABLE' })
    expect(await Promise.all([calls[0], calls[2]])).toEqual([2, 4])
  })

  test('hands on what a function throws: class, stack and cause', async () => {
    const pool = poolOfTasks({ placement })
    const error = await errorOf(pool.run('fail', ['too far']))
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: 'too far', cause: { message: 'the reason' } })
    expect(error.stack).toContain('tasks.ts')
    expect((await errorOf(pool.run('throwUndefined'))).message).toContain('undefined')
    expect((await errorOf(pool.run('throwCycle'))).message).toBe('goes round')
    expect((await errorOf(pool.run('throwOdd'))).message).toBe('a getter that throws')
    expect(await pool.run('add', [1, 1])).toBe(2)
  })

  test('hands workerData to setup once a worker, and tears each down at its end', async () => {
    const mark = newPath()
    const pool = poolOfTasks({ placement, workerData: { mark } })
    await pool.start()
    expect(await pool.run('given')).toEqual({ mark })
    await pool.close()
    expect(readFileSync(mark, 'utf8').split('\n').filter(Boolean)).toHaveLength(2)
    expect(pool.stats().workers).toBe(0)
  })

  test('a task tells its status, progress, result and error', async () => {
    const pool = poolOfTasks({ placement, max: 1, min: 1 })
    await pool.start()
    const seen: unknown[] = []
    pool.events.on('progress', ({ task, progress }) => void seen.push([task.name, progress]))
    const first = pool.submit('report', [30])
    const second = pool.submit('fail', ['late'])
    expect(second.status).toBe('pending')
    await until(() => first.status === 'running' && first.progress !== undefined)
    expect(await first.result).toBe(false)
    expect(first).toMatchObject({ status: 'completed', isComplete: true, attempt: 1, error: undefined })
    expect(seen).toHaveLength(30)
    expect(seen[29]).toEqual(['report', { step: 30 }])
    await until(() => second.isComplete)
    expect(second).toMatchObject({ status: 'failed', error: { message: 'late' } })
    expect(JSON.parse(JSON.stringify(second))).toMatchObject({
      name: 'fail',
      status: 'failed',
      error: 'late',
    })
  })

  test('results are right, one for each call, for thousands at once', async () => {
    const pool = poolOfTasks({ placement })
    const calls = Array.from({ length: 5000 }, (_, n) => pool.run('add', [n, 1]))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5000 }, (_, n) => n + 1))
    expect(pool.stats()).toMatchObject({ completed: 5000, failed: 0, waiting: 0, sent: 0 })
  })

  test('short tasks do not wait behind a long one that nobody knew of', async () => {
    const pool = poolOfTasks({ placement })
    await pool.start()
    for (let n = 0; n < 50; n++) await pool.run('noop')
    const end = newPath()
    const long = pool.submit('spinUntil', [end])
    await Promise.all(Array.from({ length: 40 }, () => pool.run('noop')))
    expect(long.isComplete).toBe(false)
    writeFileSync(end, '')
    await long.result
  })

  test('runs so many at a time in each worker as it may', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, concurrencyPerWorker: 10 })
    await Promise.all(Array.from({ length: 20 }, () => pool.run('wait', [50])))
    expect(await pool.run('mostAtOnce')).toBe(10)
  })

  test('drain resolves when nothing is left to do, close when the workers are gone', async () => {
    const pool = poolOfTasks({ placement })
    let ended = 0
    for (let n = 0; n < 20; n++) void pool.run('wait', [5]).then(() => ended++)
    await pool.drain()
    expect(pool.stats().completed).toBe(20)
    const last = pool.run('wait', [20])
    const closing = pool.close()
    expect(pool.close()).toBeInstanceOf(Promise)
    expect(await errorOf(pool.run('noop'))).toMatchObject({ code: 'POOL_CLOSED' })
    expect(() => pool.submit('noop')).toThrow(expect.objectContaining({ code: 'POOL_CLOSED' }))
    expect(await last).toBe(20)
    await closing
    await pool.close()
    expect(ended).toBe(20)
    expect(await errorOf(pool.start())).toMatchObject({ code: 'POOL_CLOSED' })
    expect(await errorOf(pool.ready())).toMatchObject({ code: 'POOL_CLOSED' })
  })

  test('can be closed from inside a then of one of its tasks', async () => {
    const pool = poolOfTasks({ placement })
    await pool.run('noop').then(() => pool.close())
    expect(pool.stats().workers).toBe(0)
  })

  test('closing with a deadline gives up what is not done by then', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    await pool.start()
    const running = pool.submit('hang')
    const waiting = pool.submit('noop')
    await until(() => running.status === 'running')
    expect(await pool.join(10)).toBe(false)
    await pool.close({ timeout: 10 })
    expect(running.error).toMatchObject({ code: 'POOL_CLOSED' })
    expect(waiting.error).toMatchObject({ code: 'POOL_CLOSED' })
    expect(pool.stats()).toMatchObject({ workers: 0, cancelled: 2, crashes: 0 })
  })

  test('can be closed while its workers start, and before it ever did anything', async () => {
    const pool = poolOfTasks({ placement })
    const started = pool.start()
    const closed = pool.close()
    expect(await errorOf(started)).toMatchObject({ code: 'POOL_CLOSED' })
    await closed
    await poolOfTasks({ placement }).close()
  })
})

describe('a pool of threads', () => {
  test('moves what is in transfer, both ways, and shares shared memory', async () => {
    const pool = poolOfTasks()
    const bytes = new Uint8Array(1024)
    const filled = await pool.run('fill', [bytes, 7], { transfer: [bytes.buffer] })
    expect(bytes.byteLength).toBe(0)
    expect(filled).toHaveLength(1024)
    expect(filled[1023]).toBe(7)
    const counter = new Int32Array(new SharedArrayBuffer(4))
    await Promise.all(Array.from({ length: 100 }, () => pool.run('increment', [counter])))
    expect(counter[0]).toBe(100)
    expect((await pool.run('shared')).buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  test('what was moved is used where it went, however busy the workers are', async () => {
    const pool = poolOfTasks()
    const spins: Promise<unknown>[] = []
    const all = Array.from({ length: 200 }, (_, n) => {
      const bytes = new Uint8Array(64)
      spins.push(pool.run('spin', [n % 10 === 0 ? 5 : 0]))
      return pool.run('fill', [bytes, n], { transfer: [bytes.buffer] })
    })
    expect((await Promise.all(all)).map((bytes) => bytes[63])).toEqual(all.map((_, n) => n))
    await Promise.all(spins)
  })

  test('finds a module by a path relative to the file that makes the pool, absolute, and CommonJS', async () => {
    const relative = new WorkerPool<typeof import('../fixtures/pool/tasks.ts')>('../fixtures/pool/tasks.ts')
    expect(await relative.run('add', [2, 2])).toBe(4)
    await relative.close()
    const absolute = new WorkerPool<{ double(n: number): number }>(fixture('cjs.cjs').pathname)
    expect(await absolute.run('double', [4])).toBe(8)
    await absolute.close()
  })

  test('what is urgent goes first, what is not does not starve', async () => {
    const pool = poolOfTasks({ min: 1, max: 1 })
    await pool.run('spin', [5])
    const order: string[] = []
    const add = (name: string, ms: number, priority: number): Promise<unknown> =>
      pool.run('spin', [ms], { priority }).then(() => order.push(name))
    const all = [add('first', 30, 0), add('low', 5, 0), add('high', 5, 10), add('middle', 5, 5)]
    await Promise.all(all)
    expect(order).toEqual(['high', 'middle', 'first', 'low'])
  })

  test('short tasks do not wait behind a long one while another worker is idle', async () => {
    const pool = poolOfTasks()
    await pool.start()
    for (let n = 0; n < 200; n++) await pool.run('spin', [0])
    const end = newPath()
    const long = pool.submit('spinUntil', [end])
    const short = Array.from({ length: 50 }, () => pool.run('spin', [0]))
    // Not on which worker: where neither has begun for a while, both give back what they have, and some of the short
    // ones may then come before the long one.
    await Promise.all(short)
    expect(long.isComplete).toBe(false)
    writeFileSync(end, '')
    await long.result
  })

  test('no task waits in a worker whose event loop is blocked by another one', async () => {
    const pool = poolOfTasks({ concurrencyPerWorker: 10 })
    await pool.start()
    const end = newPath()
    const blocking = pool.submit('spinUntil', [end])
    // Before that it might be dealt again, and come to a worker that has begun with others.
    await until(() => blocking.status === 'running', { what: 'the blocking task to run' })
    expect(pool.stats()).toMatchObject({ running: 1, sent: 1 })
    for (let n = 0; n < 10; n++) {
      await Promise.all(Array.from({ length: 5 }, () => pool.run('wait', [0])))
    }
    expect(blocking.isComplete).toBe(false)
    expect(pool.stats().completed).toBe(50)
    writeFileSync(end, '')
    await blocking.result
  })

  test('a signal of many tasks can be aborted at once', async () => {
    const pool = poolOfTasks({ min: 1, max: 1 })
    const controller = new AbortController()
    const { signal } = controller
    const before = process.listenerCount('warning')
    void pool.run('wait', [20])
    const tasks = Array.from({ length: 20_000 }, () => pool.submit('noop', [], { signal }))
    controller.abort(new Error('enough'))
    expect(tasks.every(({ status }) => status === 'cancelled')).toBe(true)
    expect(tasks[0]!.error).toMatchObject({ code: 'TASK_CANCELLED', cause: { message: 'enough' } })
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(process.listenerCount('warning')).toBe(before)
  })
})

test('short tasks do not wait in a process behind one that only waits', async () => {
  const pool = poolOf<typeof import('../fixtures/pool/tasks.ts')>('tasks.ts', {
    ...{ placement: 'process', min: 2, max: 2 },
  })
  await pool.start()
  for (let n = 0; n < 100; n++) await pool.run('wait', [0])
  const long = pool.submit('waitForever')
  await Promise.all(Array.from({ length: 50 }, () => pool.run('wait', [0])))
  expect(long.status).toBe('running')
  long.cancel()
})
