import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memory } from '../../../../src/backends/memory/index.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Handler } from '../../../../src/queue/consume/handler.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { wrapped } from '../wrapped-backend.ts'

const backend = memory()
let names = 0

const jobs = { next: z.object({ n: z.number() }) }

/** Two queues of one store: jobs of the first are followed by jobs of the second. */
function pair(): { second: Queue<typeof jobs>; run: (handler: Handler) => Promise<unknown> } {
  const first = new Queue(`first${++names}`, { backend, retry: { maxRetries: 1, baseDelay: 0 } })
  const second = new Queue(`second${names}`, { backend, jobs })
  const run = async (handler: Handler): Promise<unknown> => {
    const { id } = await first.add('x', 1, { correlationId: 'order-7' })
    await first.worker({ x: handler }, { logger }).drainOnce()
    return first.get(id)
  }
  return { second, run }
}

describe('a follow-up', () => {
  it('is enqueued with the success of its job, in the same call, and inherits the correlation id', async () => {
    const { backend: store, calls } = wrapped()
    const first = new Queue('first', { backend: store })
    const second = new Queue('second', { backend: store })
    const ids: string[] = []
    const handler: Handler = async (_job, { followUp }) => {
      ids.push(await followUp(second, 'next', { n: 1 }, { priority: 5 }))
      void followUp(second, 'next', { n: 2 }, { correlationId: 'own' })
      expect((await second.stats()).counts.waiting).toBe(0)
    }
    const { id } = await first.add('x', 1)
    await first.worker({ x: handler }, { logger }).drainOnce()
    expect(await second.list()).toMatchObject([
      { id: ids[0], payload: { n: 1 }, priority: 5, headers: { 'correlation-id': id } },
      { payload: { n: 2 }, headers: { 'correlation-id': 'own' } },
    ])
    const enqueued = calls.filter(({ operation }) => operation === 'enqueue')
    expect(enqueued.map(({ args }) => (args[0] as { queue: string }).queue)).toEqual(['first'])
  })

  it('hands the correlation id on, from job to job', async () => {
    const { second, run } = pair()
    await run((job, { followUp }) => {
      expect(job.correlationId).toBe('order-7')
      void followUp(second, 'next', { n: 1 })
    })
    expect(await second.list()).toMatchObject([{ headers: { 'correlation-id': 'order-7' } }])
  })

  it('is not enqueued by an attempt that fails, nor by one that is put off', async () => {
    const { second, run } = pair()
    let attempts = 0
    await run((job, { followUp, snooze }) => {
      void followUp(second, 'next', { n: job.attempt })
      if (++attempts === 1) throw new Error('after all not')
      if (attempts === 2) return snooze(0)
      return undefined
    })
    expect(attempts).toBe(3)
    expect((await second.list()).map(({ payload }) => payload)).toEqual([{ n: 2 }])
  })

  it('fails its job when its payload does not match, waited for or not', async () => {
    const { second, run } = pair()
    const wrong = { n: 'one' } as unknown as { n: number }
    const error = { code: 'INVALID_PAYLOAD' }
    expect(await run((_job, { followUp }) => void followUp(second, 'next', wrong))).toMatchObject({
      state: 'dead',
      error,
    })
    expect(await run((_job, { followUp }) => followUp(second, 'next', wrong))).toMatchObject({
      state: 'dead',
      error,
    })
    expect(await second.list()).toEqual([])
  })

  it('that is larger than the store takes fails its job, and is not lost in silence', async () => {
    const small = memory({ maxPayloadBytes: 100 })
    const first = new Queue('first', { backend: small })
    const { id } = await first.add('x', 1)
    const handler: Handler = (_job, { followUp }) => followUp(first, 'y', 'y'.repeat(200))
    await first.worker({ x: handler }, { logger }).drainOnce()
    expect(await first.get(id)).toMatchObject({ state: 'dead', error: { code: 'INVALID_PAYLOAD' } })
  })

  it('cannot go to a queue of another store', async () => {
    const { run } = pair()
    const elsewhere = new Queue('elsewhere', { backend: memory() })
    const job = await run((_job, { followUp }) => followUp(elsewhere, 'x', 1))
    expect(job).toMatchObject({
      state: 'dead',
      error: {
        code: 'INVALID_OPTION',
        message: expect.stringContaining('to share the backend object') as string,
      },
    })
  })

  it('with the id of a job that is there leaves that job alone', async () => {
    const { second, run } = pair()
    await second.add('next', { n: 0 }, { id: 'known' })
    const job = await run((_job, { followUp }) => void followUp(second, 'next', { n: 1 }, { id: 'known' }))
    expect(job).toBeUndefined()
    expect((await second.list()).map(({ payload }) => payload)).toEqual([{ n: 0 }])
  })
})
