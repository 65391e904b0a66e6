/** A worker that dies takes the task with it that killed it, and nothing else: each promise settles exactly once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { TaskLostError } from '../../src/pool/index.ts'
import { captureLogger } from '../../src/testing/index.ts'
import { errorOf, newPath, PLACEMENTS, poolOf, poolOfTasks } from '../fixtures/pool/pools.ts'
import { until } from '../fixtures/until.ts'

describe.each(PLACEMENTS)('a %s of a pool', (placement) => {
  test.each([
    ['exit', [3], { exitCode: 3 }],
    ['exit', [0], { exitCode: 0 }],
    ['uncaught', [], { cause: { name: 'TypeError', message: 'nobody caught this' } }],
    ['rejectLater', [], { cause: { name: 'TypeError', message: 'nobody awaited this' } }],
  ] as const)('that ends in a task (%s %s) fails that task alone', async (name, args, expected) => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const crashes: number[] = []
    pool.events.on('crash', ({ tasks }) => void crashes.push(tasks))
    await pool.run('noop')
    const lost = pool.run(name, args as never)
    const others = Array.from({ length: 20 }, (_, n) => pool.run('add', [n, 0]))
    const error = await errorOf(lost)
    expect(error).toBeInstanceOf(TaskLostError)
    expect(error).toMatchObject({ code: 'WORKER_EXITED', task: name, attempt: 1, ...expected })
    expect(error.message).toContain(`${name} did not end (attempt 1): its ${placement} exited with code`)
    expect(await Promise.all(others)).toEqual(others.map((_, n) => n))
    expect(crashes).toEqual([1])
    expect(pool.stats()).toMatchObject({ crashes: 1, failed: 1, completed: 21, workers: 1 })
  })

  test('that is killed twice by a task is not killed by it a third time, whatever its retry allows', async () => {
    const path = newPath()
    const pool = poolOfTasks({ placement })
    const poison = await errorOf(pool.run('failUntil', [path, 9, 'exit'], { retry: 10 }))
    expect(poison).toMatchObject({ code: 'TASK_POISON', cause: { code: 'WORKER_EXITED', attempt: 2 } })
    expect(pool.stats().crashes).toBe(2)
    expect(await pool.run('failUntil', [path, 3, 'throw'])).toBe(3)
  })

  test('that died is replaced, and a task with another try gets it', async () => {
    const pool = poolOfTasks({ placement })
    const task = pool.submit('failUntil', [newPath(), 2, 'exit'], { retry: 1 })
    expect(await task.result).toBe(2)
    expect(task.attempt).toBe(2)
    expect(await pool.run('failUntil', [newPath(), 3, 'throw'], { retry: 2 })).toBe(3)
    const error = await errorOf(pool.run('failUntil', [newPath(), 9, 'throw'], { retry: 2 }))
    expect(error.message).toBe('call 3')
    await until(() => pool.stats().workers === 2)
  })

  test('loses no task when one of many kills it now and then', async () => {
    const pool = poolOfTasks({ placement, maxQueue: 1e6 })
    const settled = new Uint8Array(5000)
    const outcomes = await Promise.all(
      Array.from({ length: settled.length }, (_, n) =>
        pool.run(n % 500 === 250 ? 'exit' : 'add', (n % 500 === 250 ? [1] : [n, 0]) as never).then(
          (value) => {
            settled[n]!++
            return value === n
          },
          (error: Error) => {
            settled[n]!++
            return error instanceof TaskLostError
          },
        ),
      ),
    )
    expect(outcomes.every(Boolean)).toBe(true)
    expect(settled.every((times) => times === 1)).toBe(true)
    expect(pool.stats()).toMatchObject({ crashes: 10, failed: 10, completed: 4990, waiting: 0, sent: 0 })
  })

  test('that dies again and again without having had a task is started ever more rarely', async () => {
    const pool = poolOf<typeof import('../fixtures/pool/dies-idle.ts')>('dies-idle.ts', {
      ...{ placement, min: 1, max: 1 },
    })
    const crashes: number[] = []
    pool.events.on('crash', () => void crashes.push(performance.now()))
    await pool.start()
    await until(() => crashes.length >= 3)
    expect(crashes[2]! - crashes[1]!).toBeGreaterThan(195)
    await pool.run('noop')
  })

  test.each([
    ['throws.ts', 'MODULE_LOAD', 'this module is of no use'],
    ['setup-throws.ts', undefined, 'no database'],
    ['empty.ts', 'MODULE_LOAD', 'exports no function that a pool could call'],
    ['not-there.ts', 'MODULE_LOAD', 'cannot load'],
    ['own-pool.ts', 'MODULE_LOAD', 'put the functions into a file of their own'],
  ])('that cannot start from %s rejects everything at once, with the reason', async (file, code, text) => {
    const pool = poolOf<{ noop(): void }>(file, { placement, max: 2 })
    const calls = Array.from({ length: 20 }, () => errorOf(pool.run('noop')))
    const started = errorOf(pool.start())
    for (const error of [...(await Promise.all(calls)), await started]) {
      expect(error.message).toContain(text)
      expect(error.code).toBe(code)
    }
    expect((await errorOf(pool.run('noop'))).message).toContain(text)
    expect((await errorOf(pool.ready())).message).toContain(text)
    await until(() => pool.stats().workers === 0)
    await sleep(50)
    expect(pool.stats()).toMatchObject({ workers: 0, crashes: 0 })
    await pool.close()
  })

  test('that takes too long to start is ended', async () => {
    const pool = poolOf<{ noop(): void }>('setup-hangs.ts', { placement, startTimeout: 300 })
    expect(await errorOf(pool.run('noop'))).toMatchObject({ code: 'START_TIMEOUT' })
    await until(() => pool.stats().workers === 0)
  })

  test('whose setup fails for a while is tried again, not in silence and not for ever', async () => {
    const { rmSync, writeFileSync } = await import('node:fs')
    const path = newPath()
    writeFileSync(path, '')
    const logger = captureLogger()
    const pool = poolOf<typeof import('../fixtures/pool/setup-flaky.ts')>('setup-flaky.ts', {
      ...{ placement, min: 1, max: 1, workerData: { path }, logger },
    })
    await pool.start()
    rmSync(path)
    await errorOf(pool.run('exit'))
    const waiting = pool.run('noop')
    await until(() => logger.messages('error').length > 0)
    writeFileSync(path, '')
    await waiting
    rmSync(path)
    await errorOf(pool.run('exit'))
    expect((await errorOf(pool.run('noop'))).message).toBe('no database')
  })

  test('whose teardown throws is closed all the same', async () => {
    const logger = captureLogger()
    const pool = poolOf<{ noop(): void }>('teardown-throws.ts', {
      ...{ placement, min: 1, max: 1, logger, maxTasksPerWorker: 1 },
    })
    await pool.run('noop')
    await pool.run('noop')
    await pool.close()
    expect(logger.messages('error')).toContain('the teardown of a worker of the pool failed')
  })
})

test('a thread that runs out of memory fails its task with that cause', async () => {
  const pool = poolOfTasks({ min: 1, max: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } })
  const error = await errorOf(pool.run('exhaust'))
  expect(error).toMatchObject({ code: 'WORKER_EXITED', cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' } })
  expect(await pool.run('add', [1, 1])).toBe(2)
})

test('a process that is killed fails its task with the signal', async () => {
  const pool = poolOfTasks({ placement: 'process', min: 1, max: 1 })
  const error = await errorOf(pool.run('kill'))
  expect(error).toMatchObject({ code: 'WORKER_EXITED', signal: 'SIGKILL', exitCode: undefined })
  expect(await pool.run('add', [1, 1])).toBe(2)
})

test('no task runs twice because a worker died, and none that can be told to have ended is lost', async () => {
  const pool = poolOfTasks({ maxQueue: 1e6 })
  const calls = new Int32Array(new SharedArrayBuffer(4 * 3000))
  const outcomes = await Promise.allSettled(
    Array.from({ length: calls.length }, (_, n) => pool.run('count', [calls, n, n % 300 === 150])),
  )
  expect(calls.every((times) => times === 1)).toBe(true)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10)
})
