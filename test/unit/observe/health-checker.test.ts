import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FakeClock } from '../../../src/core/clock.ts'
import {
  HealthChecker,
  type HealthCheckerOptions,
  type HealthEvents,
  type HealthWatchOptions,
} from '../../../src/observe/health-checker.ts'
import { StubWorker } from './stub-worker.ts'

const MINUTE = 60_000

function watched(options: HealthCheckerOptions = {}, own: HealthWatchOptions = {}) {
  const clock = new FakeClock()
  const worker = new StubWorker()
  const health = new HealthChecker({ clock, ...options })
  const unwatch = health.watch(worker, own)
  const failing = async (): Promise<string[]> =>
    (await health.check()).workers.flatMap(({ checks }) =>
      checks.filter((check) => !check.healthy).map(({ name }) => name),
    )
  return { clock, worker, health, unwatch, failing }
}

describe('a worker', () => {
  test('that is new and running is healthy', async () => {
    const { health, clock } = watched()
    expect(await health.check()).toEqual({
      healthy: true,
      at: clock.wall(),
      workers: [
        {
          id: 'mail-id',
          name: 'mail',
          healthy: true,
          checks: [
            { name: 'running', healthy: true, reason: null },
            { name: 'active', healthy: true, reason: null },
            { name: 'errorRate', healthy: true, reason: null },
          ],
        },
      ],
      dependencies: [],
      problems: [],
    })
  })

  test('that is not running is unhealthy for that, and not for idleness too', async () => {
    const { worker, clock, health, failing } = watched()
    worker.shutdown()
    clock.advance(60 * MINUTE)
    expect(await failing()).toEqual(['running'])
    expect(await health.check()).toMatchObject({ healthy: false, problems: ['worker mail is not running'] })
  })

  describe('that does nothing', () => {
    test('is unhealthy after 30 minutes, counted from its start', async () => {
      const { worker, clock, health, failing } = watched()
      clock.advance(20 * MINUTE)
      worker.startup()
      clock.advance(30 * MINUTE)
      expect(await failing()).toEqual([])
      clock.advance(1)
      expect(await failing()).toEqual(['active'])
      expect((await health.check()).problems).toEqual([
        'worker mail has done nothing for 30m, longer than 30m',
      ])
    })

    test.each(['done', 'retry', 'snooze'] as const)(
      'is active again with an attempt that ends %s',
      async (outcome) => {
        const { worker, clock, failing } = watched()
        clock.advance(31 * MINUTE)
        worker.finish(outcome)
        expect(await failing()).toEqual([])
        clock.advance(31 * MINUTE)
        expect(await failing()).toEqual(['active'])
      },
    )

    test('is active again with a tick of its schedule', async () => {
      const { worker, clock, failing } = watched()
      clock.advance(31 * MINUTE)
      worker.events.emit('tick', { worker: 'mail', tick: 1, missed: 0 })
      expect(await failing()).toEqual([])
    })

    test('is not moved by a jump of the wall clock', async () => {
      const { clock, failing } = watched()
      clock.jump(60 * MINUTE)
      expect(await failing()).toEqual([])
    })

    test('is healthy while its queue is known to be empty, and not when work waits', async () => {
      let waiting = 0
      const { clock, failing } = watched({}, { queueSize: () => waiting })
      clock.advance(31 * MINUTE)
      expect(await failing()).toEqual([])
      waiting = 1
      expect(await failing()).toEqual(['active'])
    })

    test('is judged by options of the checker and of its own, of which false means never', async () => {
      const { clock, failing, health } = watched({ maxIdle: '1m' })
      health.watch(new StubWorker('patient'), { maxIdle: '2m' })
      health.watch(new StubWorker('loop'), { maxIdle: false })
      clock.advance(61_000)
      expect(await failing()).toEqual(['active'])
      clock.advance(3650 * 24 * 60 * MINUTE)
      expect((await health.check()).problems).toHaveLength(2)
      const never = watched({ maxIdle: false })
      never.clock.advance(3650 * 24 * 60 * MINUTE)
      expect(await never.failing()).toEqual([])
    })
  })

  describe('that fails', () => {
    const outcomes = (done: number, failed: number): ('done' | 'retry')[] => [
      ...Array.from({ length: done }, () => 'done' as const),
      ...Array.from({ length: failed }, () => 'retry' as const),
    ]

    test('is unhealthy at more than one attempt in ten', async () => {
      const { worker, health, failing } = watched()
      worker.finish(...outcomes(90, 10))
      expect(await failing()).toEqual([])
      worker.finish('dead')
      expect(await failing()).toEqual(['errorRate'])
      expect((await health.check()).problems).toEqual([
        'worker mail failed 11 of 101 attempts in the last 5m, more than 10 %',
      ])
    })

    test('is not judged by fewer than ten attempts', async () => {
      const { worker, failing } = watched()
      worker.finish(...outcomes(0, 9))
      expect(await failing()).toEqual([])
      worker.finish('crash')
      expect(await failing()).toEqual(['errorRate'])
    })

    test('is not helped by attempts that were put off, handed back or cancelled', async () => {
      const { worker, failing } = watched()
      worker.finish(...outcomes(8, 2))
      worker.finish(...Array.from({ length: 100 }, () => 'release' as const))
      expect(await failing()).toEqual(['errorRate'])
    })

    test('is forgiven when it was long ago', async () => {
      const { worker, clock, failing } = watched()
      worker.finish(...outcomes(0, 50))
      clock.advance(4 * MINUTE)
      expect(await failing()).toEqual(['errorRate'])
      clock.advance(MINUTE)
      expect(await failing()).toEqual([])
    })

    test('is judged by options', async () => {
      const options = { maxErrorRate: 0.5, minAttempts: 2, errorWindow: '10s' }
      const { worker, clock, failing } = watched(options)
      worker.finish('done', 'retry')
      expect(await failing()).toEqual([])
      worker.finish('retry')
      expect(await failing()).toEqual(['errorRate'])
      clock.advance(10_000)
      expect(await failing()).toEqual([])
    })
  })

  describe('whose queue is watched', () => {
    test('is unhealthy at more than 1,000 waiting jobs', async () => {
      let waiting = 1000
      const { failing, health } = watched({}, { queueSize: async () => waiting })
      expect(await failing()).toEqual([])
      waiting = 1001
      expect(await failing()).toEqual(['queueSize'])
      expect((await health.check()).problems).toEqual([
        'worker mail has a queue of 1001 waiting jobs, more than 1000',
      ])
    })

    test('is judged by the size that it knows itself when no other is given', async () => {
      const health = new HealthChecker({ maxQueueSize: 5 })
      health.watch(Object.assign(new StubWorker(), { queueSize: 6 }))
      expect((await health.check()).healthy).toBe(false)
    })

    test('is unhealthy when the size cannot be had, with the reason', async () => {
      const { health } = watched({}, { queueSize: () => Promise.reject(new Error('connection refused')) })
      expect((await health.check()).problems).toEqual([
        'worker mail has a queue of unknown size: connection refused',
      ])
      const slow = watched({ dependencyTimeout: 5 }, { queueSize: () => new Promise(() => {}) })
      expect(await slow.failing()).toEqual(['queueSize'])
    })
  })

  test('that is no longer watched is not judged, and not listened to', async () => {
    const { worker, health, unwatch } = watched()
    worker.shutdown()
    unwatch()
    unwatch()
    expect(await health.check()).toMatchObject({ healthy: true, workers: [] })
    expect(worker.events.has('attempts')).toBe(false)
  })

  test('cannot be watched twice at once', () => {
    const { worker, health } = watched()
    expect(() => health.watch(worker)).toThrow('expected worker mail to be checked once')
  })
})

describe('a dependency', () => {
  test('is healthy when its check returns, whatever but false', async () => {
    const health = new HealthChecker()
    health.addDependency('void', () => {})
    health.addDependency('async', async () => 'pong')
    health.addDependency('zero', () => 0)
    expect(await health.check()).toMatchObject({ healthy: true, problems: [] })
    health.addDependency('database', async () => false)
    expect((await health.check()).problems).toEqual([
      'dependency database is unhealthy: its check returned false',
    ])
  })

  test('that throws or rejects is unhealthy, with its reason, and hides no other', async () => {
    const health = new HealthChecker()
    health.addDependency('smtp', () => {
      throw new Error('no route')
    })
    health.addDependency('http', () => Promise.reject(new Error('502')))
    health.addDependency('disk', () => {})
    const { healthy, dependencies } = await health.check()
    expect(healthy).toBe(false)
    expect(dependencies).toEqual([
      { name: 'smtp', healthy: false, reason: 'no route' },
      { name: 'http', healthy: false, reason: '502' },
      { name: 'disk', healthy: true, reason: null },
    ])
  })

  test('that does not answer in time is unhealthy, and its check is aborted', async () => {
    const health = new HealthChecker({ dependencyTimeout: 5 })
    let aborted = false
    health.addDependency('slow', (signal) => {
      signal.addEventListener('abort', () => (aborted = true))
      return new Promise(() => {})
    })
    expect((await health.check()).problems).toEqual(['dependency slow is unhealthy: no answer within 5ms'])
    expect(aborted).toBe(true)
  })

  test('has 5 s to answer unless it is given its own timeout', async () => {
    vi.useFakeTimers()
    try {
      const health = new HealthChecker()
      health.addDependency('default', () => new Promise(() => {}))
      health.addDependency('patient', () => new Promise((resolve) => setTimeout(resolve, 8000)), {
        timeout: '9s',
      })
      const checked = health.check()
      await vi.advanceTimersByTimeAsync(8000)
      expect((await checked).problems).toEqual(['dependency default is unhealthy: no answer within 5s'])
    } finally {
      vi.useRealTimers()
    }
  })

  test('can be taken away, and its name used again', async () => {
    const health = new HealthChecker()
    const remove = health.addDependency('db', () => false)
    expect(() => health.addDependency('db', () => true)).toThrow('expected dependency db to be checked once')
    remove()
    expect((await health.check()).healthy).toBe(true)
    health.addDependency('db', () => false)
    remove()
    expect((await health.check()).healthy).toBe(false)
  })
})

describe('a health checker that was started', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function announcing(options: HealthCheckerOptions = {}) {
    const health = new HealthChecker(options)
    const changes: HealthEvents['change'][] = []
    health.events.on('change', (change) => void changes.push(change))
    return { health, changes, healthy: () => changes.map(({ report }) => report.healthy) }
  }

  test('announces its first report, then changes only, every 30 s', async () => {
    const { health, changes, healthy } = announcing()
    let up = true
    let asked = 0
    health.addDependency('db', () => {
      asked++
      return up
    })
    await health.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(healthy()).toEqual([true])
    expect(changes[0]?.previous).toBeUndefined()

    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(3)
    expect(healthy()).toEqual([true])

    up = false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(healthy()).toEqual([true, false])
    expect(changes[1]?.previous).toBe(changes[0]?.report)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(healthy()).toEqual([true, false])

    up = true
    await vi.advanceTimersByTimeAsync(30_000)
    expect(healthy()).toEqual([true, false, true])
    await health.stop()
  })

  test('announces a second problem beside the first, but no new numbers of the same', async () => {
    const { health, changes } = announcing({ interval: '1s', maxQueueSize: 1 })
    let waiting = 5
    health.watch(new StubWorker(), { queueSize: () => waiting })
    const other = new StubWorker('other')
    health.watch(other)
    await health.start()
    await vi.advanceTimersByTimeAsync(1000)
    waiting = 9
    await vi.advanceTimersByTimeAsync(5000)
    expect(changes).toHaveLength(1)
    other.shutdown()
    await vi.advanceTimersByTimeAsync(1000)
    expect(changes).toHaveLength(2)
    expect(changes[1]?.report.problems).toHaveLength(2)
    await health.stop()
  })

  test('checks no more once stopped, and announces nothing of a check that was under way', async () => {
    const { health, changes } = announcing({ interval: '1s' })
    let asked = 0
    const gate = Promise.withResolvers<void>()
    health.addDependency('db', () => {
      asked++
      return gate.promise
    })
    await health.start()
    await health.stop()
    gate.resolve()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toBe(1)
    expect(changes).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('may be stopped by its own listener, and started again', async () => {
    const { health, changes } = announcing({ interval: '1s' })
    health.events.on('change', () => health.stop())
    await health.start()
    await vi.advanceTimersByTimeAsync(5000)
    expect(changes).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
    await health.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(changes).toHaveLength(2)
    expect(changes[1]?.previous).toBeUndefined()
    await health.stop()
  })

  test('does not keep the process alive', async () => {
    vi.useRealTimers()
    const setTimer = vi.spyOn(globalThis, 'setTimeout')
    const { health, changes } = announcing()
    await health.start()
    await vi.waitFor(() => expect(changes).toHaveLength(1), 20_000)
    // The next round is waited for by now.
    await vi.waitFor(() => expect(setTimer).toHaveBeenCalled(), 20_000)
    for (const { value } of setTimer.mock.results) expect((value as NodeJS.Timeout).hasRef()).toBe(false)
    setTimer.mockRestore()
    await health.stop()
  })
})

describe('the options of a health checker', () => {
  test.each([
    [{ maxErrorRate: 2 }, 'expected maxErrorRate to be a number from 0 to 1, got: 2'],
    [{ maxIdle: 'soon' }, 'expected maxIdle to be a duration'],
    [{ interval: 0 }, 'expected interval to be a duration of at least 10ms'],
    [{ maxQueueSise: 3 }, 'did you mean "maxQueueSize"?'],
    [{ clock: {} }, 'expected clock to be a clock'],
  ])('refuse %j', (options, message) => {
    expect(() => new HealthChecker(options as HealthCheckerOptions)).toThrow(message)
  })
})
