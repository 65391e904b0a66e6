import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../src/core/clock.ts'
import { MetricsCollector } from '../../../src/observe/metrics-collector.ts'
import type { WorkerMetrics } from '../../../src/observe/worker-metrics.ts'
import { ALL_OUTCOMES, StubWorker, attempt } from './stub-worker.ts'

function watched(options: { maxTypes?: number } = {}): {
  clock: FakeClock
  worker: StubWorker
  metrics: MetricsCollector
  now: () => Promise<WorkerMetrics>
  unwatch: () => void
} {
  const clock = new FakeClock()
  const worker = new StubWorker()
  const metrics = new MetricsCollector({ clock, ...options })
  const unwatch = metrics.watch(worker)
  return { clock, worker, metrics, unwatch, now: async () => (await metrics.snapshot())[0]! }
}

describe('the metrics of a worker', () => {
  test('of which nothing is known yet are plain JSON, with a success rate of 1', async () => {
    const { now } = watched()
    const metrics = await now()
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
    expect(metrics).toMatchObject({
      id: 'mail-id',
      name: 'mail',
      running: true,
      uptimeMs: 0,
      processed: 0,
      errors: 0,
      averageMs: 0,
      successRate: 1,
      errorRate: 0,
      lastProcessedAt: null,
      queueSize: null,
      duration: { count: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 },
      types: {},
    })
  })

  test('count an attempt as processed or as an error or as neither, never as both', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...ALL_OUTCOMES), { maxLength: 60 }), async (outcomes) => {
        const { worker, now } = watched()
        worker.finish(...outcomes)
        const { processed, errors, outcomes: counts, successRate, errorRate } = await now()
        const count = (...of: string[]): number => outcomes.filter((outcome) => of.includes(outcome)).length
        expect(processed).toBe(count('done'))
        expect(errors).toBe(count('retry', 'dead', 'crash'))
        expect(Object.values(counts).reduce((sum, each) => sum + each)).toBe(outcomes.length)
        for (const outcome of ALL_OUTCOMES) expect(counts[outcome]).toBe(count(outcome))
        expect(successRate + errorRate).toBeCloseTo(1)
      }),
      { numRuns: 50 },
    )
  })

  test('say when one was last processed, and are not moved by failures', async () => {
    const { clock, worker, now } = watched()
    worker.finish('done')
    const processedAt = clock.wall()
    clock.advance(1000)
    worker.finish('retry', 'snooze')
    expect((await now()).lastProcessedAt).toBe(processedAt)
  })

  test('give the mean and the distribution of durations and waits, leaving out what did not run', async () => {
    const { worker, now } = watched()
    worker.attempts([
      ...Array.from({ length: 98 }, () => attempt({ durationMs: 10, waitedMs: 0.5 })),
      attempt({ durationMs: 200, waitedMs: 40 }),
      attempt({ outcome: 'dead', durationMs: 400, waitedMs: 90 }),
      attempt({ outcome: 'release', durationMs: 100_000, waitedMs: 100_000 }),
    ])
    const { averageMs, duration, wait } = await now()
    expect(averageMs).toBeCloseTo((98 * 10 + 600) / 100)
    expect(duration.count).toBe(100)
    const near = (actual: number, expected: number): void =>
      expect(Math.abs(actual - expected)).toBeLessThanOrEqual(expected * 0.01)
    near(duration.p50Ms, 10)
    near(duration.p95Ms, 10)
    near(duration.p99Ms, 200)
    near(duration.maxMs, 400)
    near(wait.p50Ms, 0.5)
    near(wait.maxMs, 90)
  })

  test('take durations that no clock should give', async () => {
    const { worker, now } = watched()
    worker.attempts([-5, 0, Number.NaN, 1e15].map((waitedMs) => attempt({ waitedMs })))
    expect(await now()).toMatchObject({ processed: 4, wait: { count: 4 } })
  })

  test('count by job type, and together as "other" above the limit', async () => {
    const { worker, now } = watched({ maxTypes: 2 })
    worker.attempts([
      attempt({ type: 'a' }),
      attempt({ type: '__proto__', outcome: 'retry' }),
      attempt({ type: 'made-up-1' }),
      attempt({ type: 'made-up-2', outcome: 'dead' }),
      attempt({ type: 'a', outcome: 'snooze' }),
      attempt({ type: 'a', outcome: 'crash' }),
    ])
    expect(Object.entries((await now()).types)).toEqual([
      ['a', { processed: 1, errors: 1 }],
      ['__proto__', { processed: 0, errors: 1 }],
      ['other', { processed: 1, errors: 1 }],
    ])
  })

  test('keep 100 types apart by default', async () => {
    const { worker, now } = watched()
    worker.attempts(Array.from({ length: 1000 }, (_, index) => attempt({ type: `type-${index}` })))
    const { types } = await now()
    expect(Object.keys(types)).toHaveLength(101)
    expect(types['other']).toEqual({ processed: 900, errors: 0 })
  })

  test('tell the uptime of the present life', async () => {
    const { clock, worker, now } = watched()
    clock.advance(5000)
    expect((await now()).uptimeMs).toBe(5000)
    worker.shutdown()
    expect(await now()).toMatchObject({ running: false, uptimeMs: 0 })
    clock.advance(1000)
    worker.startup()
    clock.advance(250)
    clock.jump(-86_400_000)
    expect(await now()).toMatchObject({ running: true, uptimeMs: 250 })
  })

  test('count stale outcomes, reaped jobs, restarts, stalls, kills, failures and ticks', async () => {
    const { worker, now } = watched()
    const { events } = worker
    const base = { worker: 'mail', queue: 'mail' }
    const error = new Error('no')
    events.emit('stale', { ...base, jobs: ['a', 'b'] })
    events.emit('reaped', { ...base, returned: 4, crashed: ['c', 'd', 'e'], dead: ['f'] })
    events.emit('restart', { worker: 'mail', cause: error, restarts: 1 })
    events.emit('stalled', { worker: 'mail', cause: 'loop', forMs: 900 })
    events.emit('killed', { worker: 'mail', cause: { kind: 'deadline', error } })
    events.emit('error', { worker: 'mail', error })
    events.emit('tick', { worker: 'mail', tick: 1, missed: 2 })
    expect(await now()).toMatchObject({
      stale: 2,
      reaped: { returned: 4, crashed: 3, dead: 1 },
      restarts: 1,
      stalls: 1,
      kills: 1,
      failures: 1,
      ticks: 1,
      missed: 2,
      errors: 0,
    })
  })

  test('ask for the size of the queue: the given source first, else the worker', async () => {
    const metrics = new MetricsCollector()
    metrics.watch(new StubWorker('asked'), { queueSize: async () => 12 })
    metrics.watch(Object.assign(new StubWorker('knows'), { queueSize: 3 }))
    metrics.watch(Object.assign(new StubWorker('both'), { queueSize: 3 }), { queueSize: () => 4 })
    const sizes = (await metrics.snapshot()).map(({ name, queueSize }) => [name, queueSize])
    expect(sizes).toEqual([
      ['asked', 12],
      ['knows', 3],
      ['both', 4],
    ])
  })

  test('have no queue size when it cannot be had in time, and ask again only when the first call has ended', async () => {
    const metrics = new MetricsCollector({ queueSizeTimeout: 5 })
    let asked = 0
    const gate = Promise.withResolvers<number>()
    metrics.watch(new StubWorker('slow'), { queueSize: () => (asked++ === 0 ? gate.promise : 7) })
    metrics.watch(new StubWorker('broken'), {
      queueSize: () => {
        throw new Error('gone')
      },
    })
    const sizes = async (): Promise<(number | null)[]> =>
      (await metrics.snapshot()).map(({ queueSize }) => queueSize)
    expect(await sizes()).toEqual([null, null])
    expect(await sizes()).toEqual([null, null])
    expect(asked).toBe(1)
    gate.resolve(1)
    await gate.promise
    await expect.poll(sizes).toEqual([7, null])
  })
})

describe('a metrics collector', () => {
  test('gives, for each worker, what a manager shows: running, queue size, processed and errors', async () => {
    const metrics = new MetricsCollector()
    const mail = new StubWorker('mail')
    const sync = new StubWorker('sync')
    metrics.watch(mail, { queueSize: () => 2 })
    metrics.watch(sync)
    mail.finish('done', 'retry')
    sync.shutdown()
    const status = (await metrics.snapshot()).map(({ name, running, queueSize, processed, errors }) => ({
      name,
      running,
      queueSize,
      processed,
      errors,
    }))
    expect(status).toEqual([
      { name: 'mail', running: true, queueSize: 2, processed: 1, errors: 1 },
      { name: 'sync', running: false, queueSize: null, processed: 0, errors: 0 },
    ])
  })

  test('forgets a worker that is no longer watched, and listens to it no more', async () => {
    const { worker, metrics, unwatch } = watched()
    unwatch()
    unwatch()
    expect(worker.events.has('attempts')).toBe(false)
    expect(worker.events.has('startup')).toBe(false)
    expect(await metrics.snapshot()).toEqual([])
    metrics.watch(worker)
    unwatch()
    expect(await metrics.snapshot()).toHaveLength(1)
  })

  test('refuses to count a worker twice', () => {
    const { worker, metrics } = watched()
    expect(() => metrics.watch(worker)).toThrow(/mail \(mail-id\) to be watched once/)
  })

  test('refuses options that cannot be', () => {
    expect(() => new MetricsCollector({ maxTypes: 0 })).toThrow('maxTypes')
    // @ts-expect-error a misspelt option is an error for the compiler, too
    expect(() => new MetricsCollector({ maxType: 3 })).toThrow('did you mean "maxTypes"?')
  })

  test('keeps up with 300,000 attempts a second', () => {
    const { worker } = watched()
    const batch = Array.from({ length: 1000 }, (_, index) => attempt({ type: `type-${index % 10}` }))
    for (let round = 0; round < 30; round++) worker.attempts(batch)
    const before = process.cpuUsage()
    for (let round = 0; round < 300; round++) worker.attempts(batch)
    const { user, system } = process.cpuUsage(before)
    // Of the clock of the CPU; some 40 ms are usual.
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})
