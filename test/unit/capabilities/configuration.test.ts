/** The example of docs/guide/configuration.md: every value of the configuration does what it says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import {
  HealthChecker,
  loadWorkerConfig,
  MetricsCollector,
  Queue,
  Server,
  type Handler,
  type WorkerConfig,
} from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger } from 'millhand/testing'
import { until } from '../../fixtures/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'millhand-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const logger = captureLogger()

function assemble(config: WorkerConfig, handler: Handler) {
  const queue = new Queue('mail', {
    backend: memory(),
    retry: { baseDelay: config.retryDelay },
    retention: { dead: config.deadLetterQueue ? 'forever' : 0 },
  })
  const worker = queue.worker({ welcome: handler }, { concurrency: config.maxConcurrentMessages, logger })
  const health = new HealthChecker({ interval: config.healthCheckInterval })
  health.watch(worker)
  const metrics = new MetricsCollector()
  if (config.metricsEnabled) metrics.watch(worker)
  const server = new Server({ shutdownTimeout: config.gracefulShutdownTimeout, logger }).add(worker)
  return { queue, worker, health, metrics, server }
}

it('a configuration reaches what it configures', async () => {
  const file = join(folder, 'worker.json')
  writeFileSync(file, '{ "maxConcurrentMessages": 3, "retryDelay": "10s", "deadLetterQueue": false }')
  const config = loadWorkerConfig({
    file,
    env: { MILLHAND_METRICS_ENABLED: 'no', MILLHAND_GRACEFUL_SHUTDOWN_TIMEOUT: '0.05' },
    overrides: { healthCheckInterval: 150 },
  })
  const { queue, metrics, health, server } = assemble(config, () => new Promise(() => {}))
  for (let n = 0; n < 5; n++) await queue.add('welcome', n)
  await server.start()
  await until(async () => (await queue.stats()).counts.active === 3)
  expect(await metrics.snapshot()).toEqual([])

  const reports: number[] = []
  health.addDependency('clock', () => reports.push(performance.now()))
  await health.start()
  await until(() => reports.length === 3)
  expect(reports[2]! - reports[0]!).toBeGreaterThan(250)
  await health.stop()

  // Handlers that never settle are given up after 50 ms.
  const stopping = performance.now()
  await server.stop()
  expect(performance.now() - stopping).toBeLessThan(10_000)
  expect((await queue.stats()).counts).toMatchObject({ waiting: 5, active: 0 })
})

it('a retry waits for retryDelay, and the dead letter is kept or not', async () => {
  const fails = (): never => {
    throw new Error('no')
  }
  const late = assemble(loadWorkerConfig({ env: {}, overrides: { retryDelay: '10m' } }), fails)
  const { id } = await late.queue.add('welcome', 1)
  await late.worker.drainOnce()
  expect((await late.queue.get(id))!.runAt! - Date.now()).toBeGreaterThan(590_000)
  expect(await late.metrics.snapshot()).toMatchObject([{ errors: 1 }])

  for (const deadLetterQueue of [true, false]) {
    const { queue, worker } = assemble(loadWorkerConfig({ env: {}, overrides: { deadLetterQueue } }), fails)
    await queue.add('welcome', 1, { maxRetries: 0 })
    await worker.drainOnce()
    expect(await queue.dead.list()).toHaveLength(deadLetterQueue ? 1 : 0)
  }
})
