import { describe, expect, it } from 'vitest'
import { Queue, Server, type WorkerStatus } from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger } from 'millhand/testing'
import { until } from '../../fixtures/until.ts'

const logger = captureLogger()

/** A queue with so many jobs, and a worker for it with one place and short upkeep, under a server. */
async function served(
  jobs: number,
  handler: () => unknown,
): Promise<{ queue: Queue; server: Server; row: () => WorkerStatus }> {
  const queue = new Queue('mail', { backend: memory(), retry: { maxRetries: 0 } })
  await queue.addMany(Array.from({ length: jobs }, (_, n) => ({ type: 'x', payload: n })))
  const server = new Server({ logger })
  server.add(queue.worker({ x: handler }, { name: 'mailer', concurrency: 1, lease: '1s', logger }))
  return { queue, server, row: () => server.status().workers[0]! }
}

describe('the status of a server', () => {
  it('tells of a queue worker whether it runs, how much waits, and what was processed and failed', async () => {
    const gate = Promise.withResolvers<void>()
    let runs = 0
    const { server, row } = await served(10, async () => {
      await gate.promise
      if (++runs % 5 === 0) throw new Error('every fifth')
    })
    expect(row()).toMatchObject({ name: 'mailer', isRunning: false, queueSize: 0 })
    await server.start()
    await until(() => row().queueSize === 10)
    expect(row()).toMatchObject({ isRunning: true, processedCount: 0, errorCount: 0 })
    gate.resolve()
    await until(() => row().processedCount + row().errorCount === 10)
    await until(() => row().queueSize === 0)
    expect(row()).toMatchObject({ processedCount: 8, errorCount: 2 })
    await server.stop()
    expect(row()).toMatchObject({ isRunning: false, queueSize: 0, processedCount: 8, errorCount: 2 })
  })

  it('hears of jobs that were added since', async () => {
    const { queue, server, row } = await served(0, () => new Promise(() => {}))
    await server.start()
    await queue.addMany(Array.from({ length: 7 }, (_, n) => ({ type: 'x', payload: n })))
    await until(() => row().queueSize === 7)
    await server.workers[0]!.kill({ kind: 'deadline', error: new Error('enough') })
    await server.stop()
  })

  it('does not take a paused queue for an empty one, whatever the worker finds to do', async () => {
    const { queue, server, row } = await served(5, () => {})
    await queue.pause()
    await server.start()
    await until(() => row().queueSize === 5)
    const seen = new Set<number>()
    for (const end = performance.now() + 400; performance.now() < end;) {
      seen.add(row().queueSize)
      await new Promise((resolve) => setTimeout(resolve, 5))
      // A hint: the worker looks, and finds nothing that it may take.
      await queue.pause()
    }
    expect([...seen]).toEqual([5])
    await server.stop()
  })
})

it('a worker has five jobs in hand at once unless it is told otherwise', async () => {
  const queue = new Queue('mail', { backend: memory() })
  await queue.addMany(Array.from({ length: 20 }, (_, n) => ({ type: 'x', payload: n })))
  let [now, most] = [0, 0]
  const handler = async (): Promise<void> => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 5))
    now--
  }
  await queue.worker({ x: handler }, { logger }).drainOnce()
  expect(most).toBe(5)
})

it('a job has priority 1, no retry behind it and three before it, unless it is told otherwise', async () => {
  const queue = new Queue('mail', { backend: memory() })
  const { id } = await queue.add('x', { n: 1 })
  const seen: object[] = []
  await queue.worker({ x: (job) => void seen.push(job) }, { logger }).drainOnce()
  expect(seen).toMatchObject([
    {
      id,
      type: 'x',
      payload: { n: 1 },
      priority: 1,
      attempt: 1,
      retryCount: 0,
      maxRetries: 3,
      correlationId: id,
    },
  ])
})
