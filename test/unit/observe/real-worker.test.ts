import { expect, test } from 'vitest'
import { HealthChecker } from '../../../src/observe/health-checker.ts'
import { logEvents } from '../../../src/observe/log-events.ts'
import { MetricsCollector } from '../../../src/observe/metrics-collector.ts'
import { observe } from '../../../src/observe/observer.ts'
import { captureLogger, recordEvents } from '../../../src/testing/index.ts'
import { Worker } from '../../../src/worker/worker.ts'

class Loop extends Worker {
  protected override async main(): Promise<void> {
    await this.sleep('1h')
  }
}

test('every worker can be measured, judged, observed, logged and recorded', async () => {
  const worker = new Loop({ name: 'loop', logger: captureLogger() })
  const metrics = new MetricsCollector()
  const health = new HealthChecker()
  const logger = captureLogger()
  const heard: string[] = []
  metrics.watch(worker)
  health.watch(worker)
  logEvents(worker, logger)
  observe(worker, {
    started: (name) => void heard.push(`${name} started`),
    stopped: (name) => void heard.push(`${name} stopped`),
  })
  const events = recordEvents(worker)

  expect((await health.check()).problems).toEqual(['worker loop is not running'])
  await worker.start()
  expect((await health.check()).healthy).toBe(true)
  expect(await metrics.snapshot()).toMatchObject([{ name: 'loop', running: true, queueSize: 0 }])
  await worker.stop()
  expect(heard).toEqual(['loop started', 'loop stopped'])
  expect(events.names()).toEqual(['startup', 'shutdown'])
  expect(logger.messages('info')).toEqual(['worker started', 'worker stopped'])
  expect(await metrics.snapshot()).toMatchObject([{ running: false, uptimeMs: 0 }])
})
