import { describe, expect, it } from 'vitest'
import { Queue, QueueWorker, type Job, type LifecycleEvent } from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger, recordEvents } from 'millhand/testing'
import { until } from '../fixtures/until.ts'

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('a handler that blocks the event loop', () => {
  it('is told of afterwards, by the jobs that can have been it, and with the way out', async () => {
    const queue = new Queue('mail', { backend: memory() })
    const logger = captureLogger()
    const heard: LifecycleEvent[] = []
    class Mailer extends QueueWorker {
      override types(): string[] {
        return ['hash', 'quick']
      }
      override process({ type }: Job): void {
        if (type === 'hash') block(1_500)
      }
      protected override lifecycle(event: LifecycleEvent): void {
        heard.push(event)
      }
    }
    const worker = new Mailer({ queue, name: 'mailer', logger })
    const events = recordEvents(worker)
    const { id } = await queue.add('hash', 1)
    await queue.add('quick', 1)
    await worker.start()
    await until(() => events.of('stalled').length > 0)
    await worker.stop()

    const [{ cause, forMs } = { cause: '', forMs: 0 }] = events.of('stalled')
    expect(cause).toContain(`${id} (hash)`)
    expect(cause).toContain('give it to another thread or process')
    expect(forMs).toBeGreaterThan(1_000)
    expect(heard.map(({ type }) => type)).toEqual(['startup', 'stalled', 'shutdown'])
    expect(logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('has not answered for') }),
    )
    expect(events.outcomes().toSorted()).toEqual(['done', 'done'])
  })

  it('is not blamed on workers that ran nothing meanwhile, nor on a job that only waits', async () => {
    const queue = new Queue('mail', { backend: memory() })
    const logger = captureLogger()
    const worker = queue.worker(
      { slow: () => new Promise((resolve) => setTimeout(resolve, 1_200)) },
      { logger },
    )
    const events = recordEvents(worker)
    await queue.add('slow', 1)
    await worker.start()
    await until(() => events.outcomes().length === 1)
    block(1_500)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await worker.stop()
    expect(events.of('stalled')).toEqual([])
  })

  it('that ends too late is done all the same: its work is', async () => {
    const queue = new Queue('mail', { backend: memory() })
    await queue.add('hash', 1)
    const worker = queue.worker({ hash: () => block(60) }, { timeout: 20, logger: captureLogger() })
    expect(await worker.drainOnce()).toEqual({ processed: 1, failed: 0, timedOut: false })
  })
})

it('a timeout names the job, its type and the way out', async () => {
  const queue = new Queue('mail', { backend: memory(), retry: { maxRetries: 0 } })
  const { id } = await queue.add('hangs', 1)
  const logger = captureLogger()
  await queue
    .worker({ hangs: (_job, { signal }) => hang(signal) }, { timeout: 50, logger })
    .drainOnce({ timeout: '5s' })
  const letter = await queue.dead.get(id)
  expect(letter?.payload).toMatchObject({
    errorType: 'JOB_TIMEOUT',
    error: `job ${id} (hangs) did not end within its timeout of 50ms; hand the signal of its context to whatever it waits for, or give the worker a longer timeout`,
  })
})

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
