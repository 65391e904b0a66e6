/** A task that is cancelled or late is told, then ended with its worker: nothing else is lost, and nothing hangs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorOf, newPath, PLACEMENTS, poolOfTasks } from '../fixtures/pool/pools.ts'
import { until } from '../fixtures/until.ts'

describe.each(PLACEMENTS)('a task in a %s', (placement) => {
  test('that was cancelled before it was sent is never run', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const waiting = pool.submit('noop')
    waiting.cancel(new Error('not needed'))
    expect(waiting.status).toBe('cancelled')
    expect(waiting.error).toMatchObject({ code: 'TASK_CANCELLED', cause: { message: 'not needed' } })
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(pool.stats()).toMatchObject({ cancelled: 1, completed: 1 })
    waiting.cancel()
    expect(pool.stats().cancelled).toBe(1)
  })

  test('hears of its cancel by its signal, and its worker goes on', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const controller = new AbortController()
    const task = pool.submit('heed', [], { signal: controller.signal })
    await until(() => task.progress === 'listening')
    controller.abort(new Error('stop it'))
    expect(await errorOf(task.result)).toMatchObject({
      ...{ code: 'TASK_CANCELLED', cause: { message: 'stop it' } },
    })
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(pool.stats()).toMatchObject({ crashes: 0, workers: 1 })
  })

  test('that was sent and had not begun is cancelled without harm to its worker', async () => {
    // Else the worker counts as busy with it for ever, and the pool cannot even be closed.
    const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: 100 })
    for (let n = 0; n < 100; n++) await pool.run('wait', [0])
    const tasks = Array.from({ length: 20 }, () => pool.submit('wait', [0]))
    await until(() => tasks[0]!.status === 'running' || tasks[0]!.isComplete)
    for (const task of tasks.slice(3, 15)) task.cancel()
    await pool.drain()
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(pool.stats()).toMatchObject({ crashes: 0, workers: 1, running: 0, sent: 0 })
    await pool.close()
  })

  test('has its grace also when the pool is closed meanwhile', async () => {
    // Else whoever cancels and closes, as on Ctrl-C, ends what was just about to clean up.
    const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: '20s' })
    const path = newPath()
    const task = pool.submit('heedInto', [path])
    await until(() => task.progress === 'listening')
    task.cancel()
    await pool.close()
    expect(readFileSync(path, 'utf8')).toBe('heeded')
  })

  test.each(['hang', 'waitForever'] as const)(
    'that does not heed it (%s) is ended with its worker, alone',
    async (name) => {
      const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: 50 })
      await pool.start()
      const task = pool.submit(name)
      await until(() => task.status === 'running')
      const behind = Array.from({ length: 10 }, (_, n) => pool.run('add', [n, 0]))
      task.cancel()
      expect(task.status).toBe('cancelled')
      expect(await Promise.all(behind)).toEqual(behind.map((_, n) => n))
      expect(pool.stats()).toMatchObject({ crashes: 0, completed: 10, cancelled: 1, failed: 0 })
    },
  )

  test('that is late fails with TASK_TIMEOUT, counted from its begin', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: 50, timeout: 1_000 })
    await pool.start()
    const end = newPath()
    const first = pool.submit('spinUntil', [end], { timeout: '50s' })
    // They wait for longer than any of them may run.
    const inTime = Array.from({ length: 3 }, () => pool.run('noop'))
    const from = performance.now()
    await until(() => first.status === 'running' && performance.now() - from > 1_200)
    writeFileSync(end, '')
    await first.result
    const late = pool.run('hang', [], { timeout: 100 })
    expect(await errorOf(late)).toMatchObject({
      code: 'TASK_TIMEOUT',
      message: 'hang did not end within 100 ms (attempt 1)',
    })
    await Promise.all(inTime)
    expect(await errorOf(pool.run('waitForever'))).toMatchObject({ code: 'TASK_TIMEOUT' })
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(pool.stats()).toMatchObject({ failed: 2, completed: 5 })
  })

  test('that is late is tried again when its worker is done with it', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: 20 })
    await pool.start()
    const task = pool.submit('failUntil', [newPath(), 2, 'hang'], { retry: 1, timeout: 500 })
    expect(await task.result).toBe(2)
    expect(task.attempt).toBe(2)
  })

  test('that shares its worker with others is ended when those are done', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, concurrencyPerWorker: 4, abortGrace: 20 })
    await pool.start()
    const other = pool.run('wait', [300])
    const task = pool.submit('waitForever')
    await until(() => task.status === 'running')
    task.cancel()
    expect(await other).toBe(300)
    expect(await pool.run('add', [1, 1])).toBe(2)
    await until(() => pool.stats().workers === 1)
    expect(pool.stats()).toMatchObject({ crashes: 0, failed: 0 })
  })

  test('that blocks its worker takes those that share it along, which say why', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, concurrencyPerWorker: 4, abortGrace: 20 })
    await pool.start()
    const other = pool.run('waitForever')
    const task = pool.submit('hang')
    await until(() => task.status === 'running')
    task.cancel()
    const error = await errorOf(other)
    expect(error).toMatchObject({ code: 'WORKER_EXITED' })
    expect(error.message).toContain('did not end within abortGrace after this: hang was cancelled')
    expect(await pool.run('add', [1, 1])).toBe(2)
  })
})

test('what was done in a thread is not lost when a task hangs that never took long before', async () => {
  // Else a call that nobody has anything against fails, since its result lay beside the one that hangs.
  const pool = poolOfTasks({ min: 1, max: 1, abortGrace: 20 })
  for (let n = 0; n < 500; n++) await pool.run('hangAt', [n, -1])
  const calls = Array.from({ length: 100 }, (_, n) => pool.run('hangAt', [n, 50], { timeout: 1_000 }))
  const settled = await Promise.allSettled(calls)
  const failed = settled.flatMap((each, n) => (each.status === 'rejected' ? [[n, each.reason.code]] : []))
  expect(failed).toEqual([[50, 'TASK_TIMEOUT']])
})

test('what a blocked loop here heard too late of does not count as late', async () => {
  const pool = poolOfTasks({ min: 1, max: 1 })
  await pool.start()
  const task = pool.submit('wait', [50], { timeout: 1_000 })
  await until(() => task.status === 'running')
  await new Promise((resolve) => setTimeout(resolve, 30))
  const end = performance.now() + 1_500
  while (performance.now() < end) {
    // This loop hears of nothing.
  }
  expect(await task.result).toBe(50)
})
