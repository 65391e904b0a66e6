import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Backend } from '../../../../src/queue/backend.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'

const policy = { maxCrashes: 3, keepDeadMs: null }
const after = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** A worker claims the next job, starts it and dies. */
async function crash(backend: Backend, type: string): Promise<void> {
  const owner = `dead${Math.random()}`
  const request = { queue: 'mail', types: [type], owner, token: `${owner}:1`, maxBytes: 1e6, leaseMs: 30_000 }
  const claim = (suspects: 'none' | 'only'): ReturnType<Backend['claim']> =>
    backend.claim({ ...request, limit: 1, start: 1, renewForMs: null, suspects })
  const { jobs } = await claim('none')
  if (jobs.length === 0) await claim('only')
  await backend.releaseOwner(owner, policy)
}

describe('a suspect, a job whose worker died while it ran', () => {
  it('is run alone: what is in hand is finished first, and nothing is begun beside it', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend })
    const running = new Set<unknown>()
    const beside: unknown[][] = []
    const handler = async (job: { payload: unknown }): Promise<void> => {
      running.add(job.payload)
      if (job.payload === 'suspect') beside.push([...running])
      await after(15)
      if (job.payload === 'suspect') beside.push([...running])
      running.delete(job.payload)
    }
    const { id } = await queue.add('x', 'suspect')
    await crash(backend, 'x')
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', crashes: 1 })
    await queue.addMany(Array.from({ length: 12 }, (_, n) => ({ type: 'x', payload: n })))
    const worker = queue.worker({ x: handler }, { concurrency: 4, logger })
    expect(await worker.drainOnce({ timeout: PROMPT_MS })).toEqual({
      processed: 13,
      failed: 0,
      timedOut: false,
    })
    expect(beside).toEqual([['suspect'], ['suspect']])
  })

  it('does not hold up a worker when another has taken it', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 'suspect')
    await crash(backend, 'x')
    const gate = Promise.withResolvers<void>()
    const seen: unknown[] = []
    const handler = (job: { payload: unknown }): Promise<void> | undefined => {
      seen.push(job.payload)
      return job.payload === 'suspect' ? gate.promise : undefined
    }
    const first = queue.worker({ x: handler }, { logger })
    const second = queue.worker({ x: handler }, { logger })
    await first.start()
    await until(() => seen.length === 1)
    await second.start()
    await queue.addMany([1, 2, 3].map((n) => ({ type: 'x', payload: n })))
    await until(() => seen.length === 4, { timeout: PROMPT_MS })
    gate.resolve()
    await Promise.all([first.stop(), second.stop()])
  })

  it('is dead with the cause after so many crashes, never having harmed others', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend })
    const { id } = await queue.add('x', 'killer')
    for (let times = 0; times < 3; times++) await crash(backend, 'x')
    expect(await queue.get(id)).toMatchObject({
      state: 'dead',
      crashes: 3,
      attempt: 0,
      error: { code: 'JOB_CRASHED', message: expect.stringContaining('crash 3 of 3') as string },
    })
  })

  it('is found by upkeep when leases have run out, and announced', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend })
    const { id } = await queue.add('x', 1)
    const { id: claimedOnly } = await queue.add('x', 2)
    const request = {
      queue: 'mail',
      types: ['x'],
      owner: 'gone',
      token: 'gone:1',
      maxBytes: 1e6,
      leaseMs: 50,
    }
    await backend.claim({ ...request, limit: 2, start: 1, renewForMs: null, suspects: 'none' })
    const seen: unknown[] = []
    // No busy moment is as long as its own lease.
    const worker = queue.worker({ x: (job) => void seen.push(job.id) }, { lease: '1s', logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => seen.length === 2)
    await worker.stop()
    const reaped = events.of('reaped')
    expect(reaped.reduce((sum, { returned }) => sum + returned, 0)).toBe(1)
    expect(reaped.flatMap(({ crashed }) => crashed)).toEqual([id])
    expect(new Set(seen)).toEqual(new Set([id, claimedOnly]))
  })
})

describe('a job whose type nobody handles', () => {
  it('is reported, and dead after the grace; jobs of types that others handle are left alone', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend, unknownGrace: 150 })
    await queue.add('unknown', 1, { id: 'lost' })
    const worker = queue.worker({ known: () => {} }, { lease: 100, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(async () => (await queue.get('lost'))?.state === 'dead')
    await worker.stop()
    expect(events.of('unhandled')[0]).toMatchObject({ type: 'unknown', queue: 'mail' })
    expect(await queue.get('lost')).toMatchObject({ attempt: 0, error: { code: 'UNKNOWN_JOB_TYPE' } })
  })
})
