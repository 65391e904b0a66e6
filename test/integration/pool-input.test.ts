/** Bad input is a clear error at once: never a hang, never a pool that does not work any more. */
import { describe, expect, test } from 'vitest'
import { WorkerPool } from '../../src/pool/index.ts'
import { errorOf, fixture, PLACEMENTS, poolOf, poolOfTasks, type Tasks } from '../fixtures/pool/pools.ts'

/** As a program without types would call it. */
type Loose = {
  run(fn: unknown, args?: unknown, options?: unknown): Promise<unknown>
  resize(min: unknown, max?: unknown): void
}
const loose = (pool: WorkerPool<Tasks>): Loose => pool as object as Loose

describe.each(PLACEMENTS)('a pool of a %s refuses', (placement) => {
  test('a function that does not exist, before and after it knows them', async () => {
    const pool = loose(poolOfTasks({ placement }))
    for (const time of ['before', 'after']) {
      expect(await errorOf(pool.run('ecko')), time).toMatchObject({
        ...{ code: 'NOT_FOUND', message: expect.stringContaining('did you mean "echo"?') as string },
      })
      expect((await errorOf(pool.run('toString'))).code).toBe('NOT_FOUND')
      expect((await errorOf(pool.run('setup'))).code).toBe('NOT_FOUND')
      expect((await errorOf(pool.run(() => {}))).code).toBe('INVALID_OPTION')
      expect((await errorOf(pool.run(function other() {}))).code).toBe('NOT_FOUND')
      expect(await pool.run('add', [1, 1])).toBe(2)
    }
  })

  test('an argument that cannot be copied, and that alone', async () => {
    const pool = poolOfTasks({ placement })
    const { port1 } = new MessageChannel()
    const values = [() => {}, Symbol('s'), new URL('http://localhost'), port1, { a: [{ b: () => {} }] }]
    for (const value of values) {
      const calls = [pool.run('add', [1, 2]), pool.run('echo', [value]), pool.run('add', [3, 4])]
      const error = await errorOf(calls[1]!)
      expect(error).toMatchObject({ code: 'NOT_COPYABLE' })
      expect(error.message).toContain('the arguments of echo cannot be copied to a worker')
      expect(await Promise.all([calls[0], calls[2]])).toEqual([3, 7])
    }
    await pool.drain()
    port1.close()
  })

  test('a result that cannot be copied', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const calls = [pool.run('add', [1, 2]), pool.run('uncopyable'), pool.run('add', [3, 4])]
    expect(await errorOf(calls[1]!)).toMatchObject({ code: 'NOT_COPYABLE' })
    expect(await Promise.all([calls[0], calls[2]])).toEqual([3, 7])
    const generator = await errorOf(pool.run('numbers', [3]))
    expect(generator).toMatchObject({ code: 'NOT_COPYABLE' })
    expect(generator.message).toContain('call the function with pool.stream()')
  })

  test('a signal that has aborted already', async () => {
    const pool = poolOfTasks({ placement })
    const signal = AbortSignal.abort(new Error('too late'))
    expect(await errorOf(pool.run('noop', [], { signal }))).toMatchObject({
      ...{ code: 'TASK_CANCELLED', cause: { message: 'too late' } },
    })
    expect(pool.stats().waiting).toBe(0)
  })
})

describe('a pool refuses', () => {
  test.each([
    ['timeout', 0],
    ['timeout', -1],
    ['timeout', 'soon'],
    ['retry', -1],
    ['retry', 0.5],
    ['priority', Number.NaN],
    ['priority', 'high'],
    ['signal', {}],
    ['transfer', 'all'],
  ])('the option %s: %s of a call', async (option, value) => {
    const pool = loose(poolOfTasks())
    expect(await errorOf(pool.run('noop', [], { [option]: value }))).toMatchObject({
      ...{ code: 'INVALID_OPTION', option },
    })
  })

  test('what it does not know, and what does not go together', async () => {
    const pool = loose(poolOfTasks())
    const unknown = await errorOf(pool.run('noop', [], { timeOut: 1 }))
    expect(unknown.message).toBe('unknown task option "timeOut"; did you mean "timeout"?')
    expect((await errorOf(pool.run('noop', 'x'))).message).toContain('expected args of noop to be an array')
    expect((await errorOf(pool.run('noop', [], 7))).message).toContain('expected options to be an object')
    const transfer = [new ArrayBuffer(1)]
    expect((await errorOf(pool.run('noop', [], { transfer, retry: 1 }))).message).toContain('cannot be sent')
    const process = loose(poolOfTasks({ placement: 'process' }))
    expect((await errorOf(process.run('noop', [], { transfer }))).message).toContain('all is copied')
    expect(() => poolOfTasks().stream('numbers', [1], { retry: 1 })).toThrow('0 for a stream')
  })

  test.each([[0], [Number.NaN], [-1], [1.5], ['2'], [3, 2], [1, Number.POSITIVE_INFINITY], [undefined]])(
    'to be resized to %s, %s',
    (...size) => {
      const pool = loose(poolOfTasks())
      expect(() => pool.resize(size[0], size[1])).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    },
  )

  test.each([
    ['min', 0],
    ['max', Number.NaN],
    ['placement', 'cloud'],
    ['maxQueue', 0],
    ['timeout', 0],
    ['maxMemory', 'much'],
    ['workerData', { open: () => {} }],
    ['minWorkers', 2],
  ])('the option %s: %s', (option, value) => {
    expect(() => poolOf('tasks.ts', { [option]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option }),
    )
  })

  test('a max below its min, and a module that is none', () => {
    expect(() => poolOf('tasks.ts', { min: 3, max: 2 })).toThrow('1 <= min <= max')
    expect(() => new WorkerPool('')).toThrow('expected module to be a URL or a path')
    expect(() => new WorkerPool(7 as never)).toThrow('expected module to be a URL or a path')
  })

  test('more tasks than may wait, until there is room', async () => {
    const pool = poolOfTasks({ min: 1, max: 1, maxQueue: 5 })
    for (let n = 0; n < 5; n++) void pool.run('noop')
    expect(await errorOf(pool.run('noop'))).toMatchObject({ code: 'POOL_FULL' })
    let most = 0
    const results: Promise<number>[] = []
    const producer = async (): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        await pool.ready()
        results.push(pool.run('add', [n, 0]))
        // What was taken back from a worker waits beside those that were added.
        const { waiting, recalled } = pool.stats()
        most = Math.max(most, waiting - recalled)
      }
    }
    await Promise.all([producer(), producer(), producer()])
    expect(await Promise.all(results)).toHaveLength(150)
    expect(most).toBeLessThanOrEqual(5)
  })

  test('what does not exist, and lets in who waited for its place', async () => {
    const pool = poolOfTasks({ min: 1, max: 1, maxQueue: 1 })
    const unknown = errorOf(loose(pool).run('ecko'))
    await pool.ready()
    expect(await unknown).toMatchObject({ code: 'NOT_FOUND' })
    expect(await pool.run('add', [1, 1])).toBe(2)
  })
})

test('flags that no worker can start with reject everything at once', async () => {
  const pool = poolOfTasks({ execArgv: ['--max-old-space-size=100'] })
  expect(await errorOf(pool.run('noop'))).toMatchObject({ code: 'MODULE_LOAD' })
  const process = poolOfTasks({ placement: 'process', execArgv: ['--no-such-flag'] })
  expect(await errorOf(process.run('noop'))).toMatchObject({ code: 'WORKER_EXITED', exitCode: 9 })
})

test('a pool may call for the pool of another file from its functions', () => {
  expect(() => new WorkerPool(fixture('tasks.ts'))).not.toThrow()
})
