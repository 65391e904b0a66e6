/** Values of a generator that runs elsewhere come in order, all of them, and no faster than they are read. */
import { describe, expect, test } from 'vitest'
import { errorOf, PLACEMENTS, poolOfTasks } from '../fixtures/pool/pools.ts'
import { until } from '../fixtures/until.ts'

describe.each(PLACEMENTS)('a stream from a %s', (placement) => {
  test('has all values in their order, and the return value at its end', async () => {
    const pool = poolOfTasks({ placement })
    const stream = pool.stream('numbers', [1000])
    const values: number[] = []
    for (;;) {
      const step = await stream.next()
      if (step.done === true) {
        expect(step.value).toBe('the end')
        break
      }
      values.push(step.value)
    }
    expect(values).toEqual(Array.from({ length: 1000 }, (_, n) => n))
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    const asynchronous: number[] = []
    for await (const { n } of pool.stream('ticks', [20])) asynchronous.push(n)
    expect(asynchronous).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  test('hands on what came before an error, then the error, once', async () => {
    const pool = poolOfTasks({ placement })
    const seen: number[] = []
    const stream = pool.stream('ticks', [20, 5])
    const error = await errorOf(
      (async () => {
        for await (const { n } of stream) seen.push(n)
      })(),
    )
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(error).toMatchObject({ name: 'RangeError', message: 'no 5' })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(pool.stats().sent).toBe(0)
  })

  test('answers several readers at once', async () => {
    const stream = poolOfTasks({ placement }).stream('numbers', [3])
    const steps = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()])
    expect(steps.map(({ value }) => value as unknown)).toEqual([0, 1, 2, 'the end'])
  })

  test('ends with an error at a value that cannot be copied, and its worker goes on', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const stream = pool.stream('oddOnes')
    expect((await stream.next()).value).toBe(1)
    expect(await errorOf(stream.next())).toMatchObject({ code: 'NOT_COPYABLE' })
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(await errorOf(pool.stream('add', [1, 2]).next())).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('that is left while its generator waits for ever ends its worker after the grace', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, abortGrace: 50 })
    for await (const value of pool.stream('stubborn')) {
      expect(value).toBe(1)
      break
    }
    expect(await pool.run('add', [1, 1])).toBe(2)
    expect(pool.stats()).toMatchObject({ crashes: 0, cancelled: 1 })
  })

  test('fails when its worker dies in the middle', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, concurrencyPerWorker: 2 })
    const stream = pool.stream('ticks', [1e6])
    await stream.next()
    void errorOf(pool.run('exit', [1]))
    const error = await errorOf(
      (async () => {
        for (;;) await stream.next()
      })(),
    )
    expect(error).toMatchObject({ code: 'WORKER_EXITED', task: 'ticks' })
  })
})

test('a worker is at most 16 values ahead of the reader', async () => {
  const pool = poolOfTasks({ min: 1, max: 1 })
  const produced = new Int32Array(new SharedArrayBuffer(8))
  const stream = pool.stream('numbers', [1e6, produced])
  for (let read = 1; read <= 100; read++) {
    expect((await stream.next()).value).toBe(read - 1)
    expect(produced[0]).toBeLessThanOrEqual(read + 16)
  }
  await until(() => produced[0]! >= 100 + 16 - 8)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(produced[0]).toBeLessThanOrEqual(116)
  await stream.return?.()
  await until(() => produced[1] === 1, { what: 'the finally block of the generator' })
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  expect(await pool.run('add', [1, 1])).toBe(2)
  expect(pool.stats()).toMatchObject({ workers: 1, crashes: 0 })
})

test('a stream that is read slowly does not hold up tasks behind it', async () => {
  const pool = poolOfTasks()
  await pool.start()
  for (let n = 0; n < 100; n++) await pool.run('noop')
  const stream = pool.stream('numbers', [1e6])
  const reading = (async () => {
    for await (const value of stream) {
      if (value > 200) break
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  expect(await Promise.all(Array.from({ length: 100 }, (_, n) => pool.run('add', [n, 0])))).toHaveLength(100)
  await reading
})
