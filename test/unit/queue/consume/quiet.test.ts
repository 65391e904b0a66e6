import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../../src/core/clock.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import { BatchWorker, type BatchItem } from '../../../../src/queue/consume/batch-worker.ts'
import type { Handler } from '../../../../src/queue/consume/handler.ts'
import type { QueueWorker } from '../../../../src/queue/consume/queue-worker.ts'
import { ScheduledWorker } from '../../../../src/queue/consume/scheduled-worker.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'
import { WorkerHandle } from '../../../../src/worker/handle.ts'
import { wrapped } from '../wrapped-backend.ts'

const after = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Rounds of the event loop, in which a worker that may would have claimed long ago: the store answers at once. */
async function rounds(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => void setImmediate(resolve))
}

async function filled(count: number, backend = memory()): Promise<Queue> {
  const queue = new Queue('mail', { backend, retention: { done: '1h' } })
  await queue.addMany(
    Array.from({ length: count }, (_, n) => ({ type: 'x', payload: n, options: { id: `${n}` } })),
  )
  return queue
}

const counts = async (queue: Queue) => (await queue.stats()).counts
/** The numbers of attempts that done jobs had spent before they succeeded. */
const spent = async (queue: Queue) => {
  const done = await queue.list({ states: ['done'] })
  return [...new Set(done.map(({ attempt, crashes }) => attempt + crashes))]
}

/** A handler that waits until it is told to go on. */
function waiting(): { handler: Handler; begun: () => number; go: () => void; aborted: () => unknown[] } {
  const gate = Promise.withResolvers<void>()
  const aborted: unknown[] = []
  let begun = 0
  const handler: Handler = (_job, { signal }) => {
    begun++
    signal.addEventListener('abort', () => aborted.push(signal.reason))
    return gate.promise
  }
  return { handler, begun: () => begun, go: gate.resolve, aborted: () => aborted }
}

describe.concurrent('a queue worker that is quiet', () => {
  // Without it an old server goes on taking work while the new one is being tried.
  it('claims nothing more, and takes up the work at once when it resumes', async () => {
    const queue = await filled(1)
    const begun: unknown[] = []
    const worker = queue.worker({ x: ({ payload }) => void begun.push(payload) }, { logger })
    await worker.start()
    await until(() => begun.length === 1)
    worker.quiet()
    await queue.add('x', 'later')
    await rounds()
    expect(begun).toEqual([0])
    expect(await counts(queue)).toMatchObject({ waiting: 1, active: 0 })
    const before = performance.now()
    worker.resume()
    await until(() => begun.length === 2)
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    await worker.stop()
  })

  // Without it quiet would cost the work in hand, or run it twice elsewhere.
  it('finishes what runs, keeps its leases, and tells the store of the outcome while it is quiet', async () => {
    const queue = await filled(1)
    const { handler, begun, go, aborted } = waiting()
    const worker = queue.worker({ x: handler }, { lease: 1000, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => begun() === 1)
    worker.quiet()
    await after(2500)
    expect(aborted()).toEqual([])
    go()
    await until(async () => (await counts(queue)).done === 1)
    expect(worker.isQuiet).toBe(true)
    expect([begun(), await spent(queue)]).toEqual([1, [0]])
    expect([events.of('stale'), events.of('reaped')]).toEqual([[], []])
    await worker.stop()
  })

  it('still hears that a job it runs was cancelled', async () => {
    const queue = await filled(1)
    const { handler, begun, go, aborted } = waiting()
    const worker = queue.worker({ x: handler }, { logger })
    await worker.start()
    await until(() => begun() === 1)
    worker.quiet()
    await queue.cancel('0')
    await until(() => aborted().length === 1, { timeout: PROMPT_MS })
    go()
    await worker.stop()
  })

  // Without it jobs wait in the memory of a worker that does not touch them, while others are idle.
  it('hands back what it had claimed ahead, with no attempt spent', async () => {
    const wrap = wrapped()
    const queue = await filled(150, wrap.backend)
    wrap.interfere(async ({ operation }, next) => {
      if (/claim|exchange|settle/.test(operation)) await after(6)
      return next()
    })
    let running = 0
    const handle = async (): Promise<void> => {
      running++
      await after(2)
      running--
    }
    const worker = queue.worker({ x: handle }, { concurrency: 4, logger })
    await worker.start()
    // More is claimed than four places can run.
    await until(async () => (await counts(queue)).active > 4 && running > 0)
    const before = worker.processedCount + running
    worker.quiet()
    await until(async () => (await counts(queue)).active === 0)
    expect(worker.processedCount).toBe(before)
    expect(before).toBeLessThan(150)
    expect(await counts(queue)).toMatchObject({ waiting: 150 - before, done: before })
    worker.resume()
    await until(async () => (await counts(queue)).done === 150)
    expect(await spent(queue)).toEqual([0])
    expect(worker.errorCount).toBe(0)
    await worker.stop()
  })

  it('hands back what a claim brings that was under way', async () => {
    const wrap = wrapped()
    const queue = await filled(3, wrap.backend)
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    wrap.interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation === 'claim') {
        asked.resolve()
        await answer.promise
      }
      return reply
    })
    const begun: unknown[] = []
    const worker = queue.worker({ x: ({ payload }) => void begun.push(payload) }, { logger })
    await worker.start()
    await asked.promise
    expect(await counts(queue)).toMatchObject({ active: 3 })
    worker.quiet()
    answer.resolve()
    await until(async () => (await counts(queue)).waiting === 3)
    expect(begun).toEqual([])
    worker.resume()
    await until(() => begun.length === 3)
    expect(begun).toEqual([0, 1, 2])
    await worker.stop()
  })

  // Without it a deployment that quiets first and stops later would hang, or lose what runs.
  it('drains as usual when it is stopped, and a resume after that takes nothing more', async () => {
    const queue = await filled(2)
    const { handler, begun, go } = waiting()
    const worker = queue.worker({ x: handler }, { concurrency: 1, logger })
    await worker.start()
    await until(() => begun() === 1)
    worker.quiet()
    const stopped = worker.stop()
    worker.resume()
    await rounds()
    go()
    await stopped
    expect(begun()).toBe(1)
    expect(await counts(queue)).toMatchObject({ waiting: 1, active: 0, done: 1 })
  })

  it('stops at once when nothing runs', async () => {
    const queue = await filled(0)
    const worker = queue.worker({ x: () => {} }, { logger })
    await worker.start()
    worker.quiet()
    const before = performance.now()
    await worker.stop()
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    expect(worker.error).toBeUndefined()
  })

  // Without it a worker that was restarted during a quiet time would take work.
  it.each(['setup', 'start'])('takes nothing when it was asked during its %s', async (when) => {
    const wrap = wrapped()
    const queue = await filled(2, wrap.backend)
    const begun: unknown[] = []
    const worker: QueueWorker = queue.worker({ x: ({ payload }) => void begun.push(payload) }, { logger })
    // Opened once by setup and once more by main.
    let opens = 0
    wrap.interfere(async ({ operation }, next) => {
      if (operation === 'open' && ++opens === (when === 'setup' ? 1 : 2)) worker.quiet()
      return next()
    })
    await worker.start()
    await until(() => wrap.count('maintain') > 0)
    await rounds()
    expect([begun, wrap.count('claim')]).toEqual([[], 0])
    worker.resume()
    await until(() => begun.length === 2)
    await worker.stop()
  })

  it('takes nothing when its handle was quiet before the start', async () => {
    const wrap = wrapped()
    const queue = await filled(2, wrap.backend)
    const begun: unknown[] = []
    const worker = queue.worker({ x: ({ payload }) => void begun.push(payload) }, { logger })
    const handle = new WorkerHandle(worker)
    handle.quiet()
    await handle.start()
    await until(() => wrap.count('maintain') > 0)
    await rounds()
    expect([begun, wrap.count('claim')]).toEqual([[], 0])
    handle.resume()
    await until(() => begun.length === 2)
    await handle.stop()
  })

  it('is not idle: a drain goes on when it resumes', async () => {
    const queue = await filled(2)
    const worker: QueueWorker = queue.worker({ x: () => worker.quiet() }, { concurrency: 1, logger })
    const drained = worker.drainOnce({ timeout: '20s' })
    await until(async () => (await counts(queue)).done === 1 && worker.isQuiet)
    await rounds()
    expect(worker.isRunning).toBe(true)
    worker.resume()
    await until(async () => (await counts(queue)).done === 2)
    worker.resume()
    expect(await drained).toEqual({ processed: 2, failed: 0, timedOut: false })
  })
})

class Batches extends BatchWorker {
  readonly sizes: number[] = []
  gate = Promise.resolve()

  override types(): string[] {
    return ['x']
  }

  override async processBatch(items: readonly BatchItem[]): Promise<unknown[]> {
    this.sizes.push(items.length)
    await this.gate
    return items.map(() => 'fine')
  }
}

describe.concurrent('a batch worker that is quiet', () => {
  it('hands back what it had collected, and collects anew when it resumes', async () => {
    const queue = await filled(3)
    const worker = new Batches({ queue, batchSize: 10, maxWait: '10s', logger })
    await worker.start()
    await until(async () => (await counts(queue)).active === 3)
    worker.quiet()
    await until(async () => (await counts(queue)).waiting === 3)
    await queue.addMany(Array.from({ length: 7 }, (_, n) => ({ type: 'x', payload: n })))
    await rounds()
    expect(worker.sizes).toEqual([])
    worker.resume()
    await until(async () => (await counts(queue)).done === 10)
    expect(worker.sizes).toEqual([10])
    expect(await spent(queue)).toEqual([0])
    await worker.stop()
  })

  it('finishes the batch that runs', async () => {
    const queue = await filled(6)
    const gate = Promise.withResolvers<void>()
    const worker = new Batches({ queue, batchSize: 3, logger })
    worker.gate = gate.promise
    await worker.start()
    await until(() => worker.sizes.length === 1)
    worker.quiet()
    gate.resolve()
    await until(async () => (await counts(queue)).done === 3)
    await rounds()
    expect(worker.sizes).toEqual([3])
    expect(await counts(queue)).toMatchObject({ waiting: 3, active: 0 })
    await worker.stop()
  })
})

const NOON = Date.UTC(2026, 5, 1, 12)

class Ticks extends ScheduledWorker {
  readonly runs: number[] = []

  override executeTask(tick: Date): void {
    this.runs.push(tick.getTime() - NOON)
  }
}

describe.concurrent('a scheduled worker that is quiet', () => {
  // Without it an hour of quiet is followed by sixty runs in a row.
  it.each([
    ['skip', []],
    ['one', [120_000]],
  ] as const)('leaves ticks alone, and treats them as missed when it resumes: %s', async (missed, runs) => {
    const clock = new FakeClock(NOON - 10)
    const backend = memory({ clock })
    const worker = new Ticks({ name: 'sync', backend, every: '1m', missed, logger })
    const last = async () => (await backend.readSchedule('schedule.sync', 'sync')).tick
    await worker.start()
    await until(async () => (await last()) !== null)
    worker.quiet()
    clock.advance(10)
    await after(50)
    clock.advance(120_000)
    await after(50)
    expect(worker.runs).toEqual([])
    expect(await last()).toBe(NOON - 10)
    worker.resume()
    await until(async () => (await last()) === NOON + 120_000, { timeout: PROMPT_MS })
    await rounds()
    expect([worker.runs, worker.missedRuns]).toEqual([runs, 3 - runs.length])
    await worker.stop()
  })

  it('leaves ticks to another that is not', async () => {
    const clock = new FakeClock(NOON - 10)
    const backend = memory({ clock })
    const [quiet, other] = [1, 2].map(() => new Ticks({ name: 'sync', backend, every: '1m', logger }))
    await Promise.all([quiet!.start(), other!.start()])
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    quiet!.quiet()
    clock.advance(10)
    await until(() => other!.runs.length === 1)
    expect(quiet!.runs).toEqual([])
    await Promise.all([quiet!.stop(), other!.stop()])
  })
})
