import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memory } from '../../../../src/backends/memory/index.ts'
import { InvalidOptionError, NonRetryableError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import {
  BatchWorker,
  type BatchItem,
  type BatchWorkerOptions,
} from '../../../../src/queue/consume/batch-worker.ts'
import type { AnyQueue } from '../../../../src/queue/any-queue.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'

type Work = (items: readonly BatchItem[]) => unknown

class Batches extends BatchWorker {
  readonly sizes: number[] = []
  handled = 0
  readonly #work: Work

  constructor(
    options: BatchWorkerOptions & { readonly queue: AnyQueue },
    work: Work = (items) => items.map(() => undefined),
  ) {
    super({ logger, ...options })
    this.#work = work
  }

  override types(): string[] {
    return ['x']
  }

  override processBatch(items: readonly BatchItem[]): Promise<unknown[]> {
    this.sizes.push(items.length)
    return Promise.resolve(this.#work(items)) as Promise<unknown[]>
  }

  protected override handleBatchResults(items: readonly BatchItem[]): void {
    this.handled += items.length
  }
}

async function filled(count: number, options: object = {}): Promise<Queue> {
  const queue = new Queue('mail', { backend: memory(), ...options })
  const jobs = Array.from({ length: count }, (_, n) => ({ type: 'x', payload: n, options: { id: `${n}` } }))
  await queue.addMany(jobs)
  return queue
}

describe.concurrent('a batch worker', () => {
  it('works on batches of ten, in order, one at a time', async () => {
    const queue = await filled(25)
    const seen: unknown[] = []
    let running = 0
    const worker = new Batches({ queue, maxWait: 20 }, async (items) => {
      expect(++running).toBe(1)
      await new Promise((resolve) => void setTimeout(resolve, 5))
      running--
      seen.push(...items.map(({ job }) => job.payload))
      return items.map(() => undefined)
    })
    expect(await worker.drainOnce()).toEqual({ processed: 25, failed: 0, timedOut: false })
    expect(worker.sizes).toEqual([10, 10, 5])
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n))
    expect([worker.batchCount, worker.handled]).toEqual([3, 25])
  })

  it('works on a smaller batch when its oldest job has waited long enough', async () => {
    const queue = await filled(3)
    const worker = new Batches({ queue, maxWait: 80 })
    const before = performance.now()
    await worker.start()
    await until(() => worker.sizes.length === 1)
    expect(performance.now() - before).toBeGreaterThanOrEqual(75)
    expect(worker.sizes).toEqual([3])
    await worker.stop()
  })

  it('works on a full batch at once', async () => {
    const queue = await filled(2)
    const worker = new Batches({ queue, batchSize: 4, maxWait: '30s', lease: '10m' })
    await worker.start()
    await queue.addMany([2, 3].map((n) => ({ type: 'x', payload: n })))
    await until(() => worker.sizes.length === 1, { timeout: PROMPT_MS })
    expect(worker.sizes).toEqual([4])
    await worker.stop()
  })

  it('settles each job by its own result', async () => {
    const queue = await filled(4, { retention: { done: '1h' } })
    const worker = new Batches({ queue, maxWait: 10 }, (items) =>
      items.map(({ job: { payload }, context }) => {
        if (payload === 1) return new Error('bad luck')
        if (payload === 2) return new NonRetryableError('hopeless')
        return payload === 3 ? context.snooze('1h') : { ok: payload }
      }),
    )
    const events = recordEvents(worker)
    expect(await worker.drainOnce()).toEqual({ processed: 1, failed: 2, timedOut: false })
    expect(events.outcomes()).toEqual(['done', 'retry', 'dead', 'snooze'])
    const jobs = await queue.list()
    expect(jobs.map(({ state }) => state)).toEqual(['done', 'delayed', 'dead', 'delayed'])
    expect(jobs.map(({ attempt }) => attempt)).toEqual([0, 1, 1, 0])
    expect(jobs[0]?.result).toEqual({ ok: 0 })
  })

  it('fails every job of a batch that throws', async () => {
    const queue = await filled(3)
    const worker = new Batches({ queue, maxWait: 10 }, () => {
      throw new Error('all of it')
    })
    expect(await worker.drainOnce()).toMatchObject({ processed: 0, failed: 3 })
    expect((await queue.list()).map(({ error }) => error?.message)).toEqual(
      Array<string>(3).fill('all of it'),
    )
  })

  it.each([
    ['too few', [1], 'got: 1'],
    ['too many', [1, 2, 3], 'got: 3'],
    ['none at all', undefined, 'got: undefined'],
    ['something else', 'done', 'got: "done"'],
  ])(
    'that returns %s results has failed for good: whose they are cannot be known',
    async (_, results, names) => {
      const queue = await filled(2)
      const worker = new Batches({ queue, maxWait: 10 }, () => results)
      expect(await worker.drainOnce()).toMatchObject({ failed: 2 })
      const dead = await queue.list({ states: ['dead'] })
      expect(dead).toHaveLength(2)
      expect(dead[0]?.error?.message).toContain(`to return 2 results, one for each job, ${names}`)
    },
  )

  it('leaves out what it does not understand', async () => {
    const backend = memory()
    const untyped = new Queue('mail', { backend })
    await untyped.addMany(['a', 7, 'c'].map((payload) => ({ type: 'x', payload })))
    const queue = new Queue('mail', { backend, jobs: { x: z.string() } })
    const worker = new Batches({ queue, maxWait: 10 })
    expect(await worker.drainOnce()).toMatchObject({ processed: 2, failed: 0 })
    expect(await untyped.list()).toMatchObject([{ payload: 7, state: 'delayed', attempt: 0 }])
  })

  it('hands back what it has collected when it is stopped', async () => {
    const queue = await filled(3)
    const worker = new Batches({ queue, maxWait: '10s' })
    await worker.start()
    await until(async () => (await queue.stats()).counts.active === 3)
    const before = performance.now()
    await worker.stop()
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    expect(worker.sizes).toEqual([])
    expect((await queue.list()).map(({ state, attempt }) => [state, attempt])).toEqual(
      Array.from({ length: 3 }, () => ['waiting', 0]),
    )
  })

  it('collects nothing beside a batch that runs: others may take it', async () => {
    const queue = await filled(3)
    const gate = Promise.withResolvers<void>()
    const worker = new Batches({ queue, maxWait: 10 }, async (items) => {
      await gate.promise
      return items
    })
    await worker.start()
    await until(() => worker.sizes.length === 1)
    await queue.add('x', 'later')
    expect(await new Batches({ queue, maxWait: 10 }).drainOnce()).toMatchObject({ processed: 1 })
    gate.resolve()
    await worker.stop()
  })

  it('times out job by job, and works on after a batch that never ends', async () => {
    const queue = await filled(2, { retry: { maxRetries: 0 } })
    let batches = 0
    const worker = new Batches({ queue, maxWait: 10, timeout: 20 }, (items) =>
      ++batches === 1 ? new Promise(() => {}) : items,
    )
    await worker.start()
    await until(async () => (await queue.stats()).counts.dead === 2)
    await queue.add('x', 'next')
    await until(() => worker.processedCount === 1)
    await worker.stop()
  })

  it('adapts the size of its batches to how long they take', async () => {
    const queue = await filled(60)
    const worker = new Batches({ queue, batchSize: { start: 4, min: 2, max: 8, window: 1 }, maxWait: 10 })
    await worker.drainOnce()
    expect(worker.sizes.slice(0, 4)).toEqual([4, 5, 6, 8])
    expect(Math.max(...worker.sizes)).toBe(8)
    expect(worker.batchSize).toBe(8)
  })

  it.each([
    [{ batchSize: 0 }, 'batchSize'],
    [{ batchSize: Number.NaN }, 'batchSize'],
    [{ batchSize: { min: 9, max: 3 } }, 'min'],
    [{ maxWait: -1 }, 'maxWait'],
    [{ batchsize: 3 }, 'did you mean "batchSize"?'],
    [{ queue: 'mail' }, 'queue to be a Queue'],
  ])('refuses the options %j', (options, names) => {
    const queue = new Queue('mail', { backend: memory() })
    const make = (): Batches => new Batches({ queue, ...(options as object) })
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(names)
  })
})
