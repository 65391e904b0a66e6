import { describe, expect, it } from 'vitest'
import { EventBus, HealthChecker, MetricsCollector, NonRetryableError, observe, Queue } from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger } from 'millhand/testing'
import { until } from '../../fixtures/until.ts'

const logger = captureLogger()

describe('a worker that is fed by a queue', () => {
  it('is healthy, ill when too much fails or waits, and ill when it has stopped', async () => {
    const queue = new Queue('mail', { backend: memory() })
    let isUp = true
    const worker = queue.worker(
      {
        good: () => {},
        bad: () => Promise.reject(new NonRetryableError('no such address')),
        hangs: () => new Promise(() => {}),
      },
      { name: 'mailer', concurrency: 3, lease: '1s', logger },
    )
    const health = new HealthChecker({ maxQueueSize: 5 })
    health.watch(worker)
    health.addDependency('the store', () => queue.stats())
    health.addDependency('smtp', () => isUp)
    const problems = async (): Promise<readonly string[]> => (await health.check()).problems

    expect(await problems()).toEqual(['worker mailer is not running'])
    await worker.start()
    expect(await problems()).toEqual([])

    for (let n = 0; n < 20; n++) await queue.add(n < 17 ? 'good' : 'bad', n)
    await until(async () => (await problems()).some((line) => line.includes(' of 20 attempts')))
    expect(await problems()).toEqual(['worker mailer failed 3 of 20 attempts in the last 5m, more than 10 %'])

    for (let n = 0; n < 9; n++) await queue.add('hangs', n)
    await until(async () =>
      (await problems()).some((line) => line.includes('a queue of 9 waiting jobs, more than 5')),
    )

    isUp = false
    expect(await problems()).toContain('dependency smtp is unhealthy: its check returned false')
    await worker.kill({ kind: 'deadline', error: new Error('enough') })
    await worker.join()
    expect(await problems()).toContain('worker mailer is not running')
    await queue.close()
    expect((await problems()).some((line) => line.startsWith('dependency the store is unhealthy: '))).toBe(
      true,
    )
  })

  it('is measured and observed: each attempt once, as processed or as failed', async () => {
    const queue = new Queue('mail', { backend: memory(), retry: { maxRetries: 1, baseDelay: 0 } })
    const worker = queue.worker(
      { good: () => {}, bad: () => Promise.reject(new Error('again')) },
      { name: 'mailer', logger },
    )
    const metrics = new MetricsCollector()
    metrics.watch(worker)
    const heard: string[] = []
    observe(worker, {
      started: (name, id) => void heard.push(`started ${name} ${id === worker.id}`),
      stopped: (name) => void heard.push(`stopped ${name}`),
      messageProcessed: (name, _id, success) => void heard.push(`${name} ${success}`),
    })
    for (const type of ['good', 'good', 'good', 'bad']) await queue.add(type, 1)
    await worker.drainOnce()

    const [numbers] = await metrics.snapshot()
    expect(numbers).toMatchObject({ processed: 3, errors: 2, successRate: 0.6, errorRate: 0.4, queueSize: 0 })
    expect(numbers).toMatchObject({
      types: { good: { processed: 3, errors: 0 }, bad: { processed: 0, errors: 2 } },
    })
    expect(numbers!.lastProcessedAt).toBeGreaterThan(Date.now() - 10_000)
    expect(worker.status()).toMatchObject({ processedCount: 3, errorCount: 2 })
    expect([heard[0], heard.at(-1)]).toEqual(['started mailer true', 'stopped mailer'])
    expect(heard.slice(1, -1).toSorted()).toEqual([
      ...Array<string>(2).fill('mailer false'),
      ...Array<string>(3).fill('mailer true'),
    ])
  })
})

it('an event feeds a queue: what is published is a job when publish has resolved', async () => {
  interface PullRequest {
    readonly id: number
    readonly failedChecks: readonly number[]
  }
  const analysis = new Queue('analysis', { backend: memory() })
  const bus = new EventBus<{ 'pr.created': PullRequest }>({ logger })
  bus.subscribe('pr.created', ({ id, failedChecks }) =>
    analysis.addMany(
      failedChecks.map((check) => ({
        type: 'analyze',
        payload: { check, pull: id },
        options: { id: `${check}:${id}` },
      })),
    ),
  )
  bus.subscribe('pr.created', () => Promise.reject(new Error('another subscriber')))

  const pull = { id: 7, failedChecks: [1, 2] }
  expect((await bus.publish('pr.created', pull)).failures).toHaveLength(1)
  // Told twice, analysed once.
  await bus.publish('pr.created', pull)
  const seen: unknown[] = []
  await analysis.worker({ analyze: ({ payload }) => void seen.push(payload) }, { logger }).drainOnce()
  expect(seen).toEqual([
    { check: 1, pull: 7 },
    { check: 2, pull: 7 },
  ])
})
