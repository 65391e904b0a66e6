import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { BackendError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { ClaimRequest, Settlement } from '../../../../src/queue/backend.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { until } from '../../../fixtures/until.ts'
import { wrapped, type Operation } from '../wrapped-backend.ts'

const away = (): Promise<never> => Promise.reject(new BackendError('BACKEND_UNAVAILABLE', 'nobody answers'))
const CONSUMING: readonly Operation[] = ['claim', 'settle', 'exchange', 'start']

describe('a worker whose store is away for a while', () => {
  it('keeps the outcomes, tells them first when it is back, and goes on by itself', async () => {
    const { backend, interfere, calls } = wrapped()
    const queue = new Queue('mail', { backend, retention: { done: '1h' } })
    const gate = Promise.withResolvers<void>()
    const seen: unknown[] = []
    const worker = queue.worker({ x: async (job) => { seen.push(job.payload); await gate.promise } }, { concurrency: 2, logger }) // prettier-ignore
    const events = recordEvents(worker)
    const ids = (await queue.addMany([1, 2, 3, 4].map((n) => ({ type: 'x', payload: n })))).map((added) =>
      'id' in added ? added.id : '',
    )
    await worker.start()
    await until(() => seen.length === 2)
    interfere(({ operation }, next) => (CONSUMING.includes(operation) ? away() : next()))
    gate.resolve()
    await until(() => events.of('backend').length === 1)
    expect(events.of('backend')[0]).toMatchObject({
      up: false,
      queue: 'mail',
      error: { message: 'nobody answers' },
    })
    expect(seen).toHaveLength(2)
    expect(worker.state).toBe('running')

    calls.length = 0
    interfere(undefined)
    await until(() => seen.length === 4)
    const first = calls.find(({ operation }) => CONSUMING.includes(operation))!
    expect(first.operation).toMatch(/exchange|settle/)
    expect((first.args[0] as Settlement[]).map(({ ref }) => ref.id)).toEqual(ids.slice(0, 2))
    await until(() => events.attempts().length === 4)
    expect(events.of('backend').map(({ up }) => up)).toEqual([false, true])
    expect(events.of('stale')).toEqual([])
    await worker.stop()
    expect((await queue.stats()).counts).toMatchObject({ done: 4, active: 0 })
    expect(worker.processedCount).toBe(4)
  })

  it('asks again with the same token after a reply that was lost, and runs each job once', async () => {
    const { backend, interfere, calls } = wrapped()
    const queue = new Queue('mail', { backend })
    let lost = 0
    interfere(async ({ operation }, next) => {
      const reply = await next()
      if (!CONSUMING.includes(operation) || lost >= 4) return reply
      // Every second reply.
      if (calls.filter((call) => CONSUMING.includes(call.operation)).length % 2 === 0) return reply
      lost++
      throw new BackendError('BACKEND_UNAVAILABLE', 'the reply was lost')
    })
    await queue.addMany(Array.from({ length: 20 }, (_, n) => ({ type: 'x', payload: n })))
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    const events = recordEvents(worker)
    expect(await worker.drainOnce()).toMatchObject({ processed: 20, failed: 0 })
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(lost).toBeGreaterThan(1)
    const claims = calls
      .filter(({ operation }) => operation === 'claim')
      .map(({ args }) => args[0] as ClaimRequest)
    expect(claims[1]?.token).toBe(claims[0]?.token)
    // What a repetition finds stale was settled by the first try.
    expect(events.of('stale')).toEqual([])
    expect((await queue.stats()).counts).toMatchObject({ active: 0, waiting: 0, dead: 0 })
  })

  it('waits for it when told to stop, so that nothing that was done is done again', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    const gate = Promise.withResolvers<void>()
    await queue.add('x', 1)
    const worker = queue.worker({ x: () => gate.promise }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(async () => (await queue.stats()).counts.active === 1)
    interfere(({ operation }, next) => (CONSUMING.includes(operation) ? away() : next()))
    gate.resolve()
    await until(() => events.of('backend').length === 1)
    const stopping = worker.stop()
    expect(await worker.join(50)).toBe(false)
    interfere(undefined)
    await stopping
    expect((await queue.stats()).counts).toMatchObject({ active: 0, waiting: 0 })
    expect(worker.state).toBe('stopped')
  })

  it('stops although it is not answered any more what can do without an answer', async () => {
    const { backend, interfere, count } = wrapped()
    const queue = new Queue('mail', { backend })
    const gate = Promise.withResolvers<void>()
    await queue.add('x', 1)
    interfere(({ operation }, next) => (/maintain|renew/.test(operation) ? new Promise(() => {}) : next()))
    const worker = queue.worker({ x: () => gate.promise }, { lease: 100, logger })
    await worker.start()
    await until(() => count('renew') > 0 && count('maintain') > 0)
    gate.resolve()
    await worker.stop()
    expect(worker.error).toBeUndefined()
    expect((await queue.stats()).counts.active).toBe(0)
  })

  it('can be killed meanwhile', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 1)
    const worker = queue.worker({ x: () => {} }, { logger })
    const events = recordEvents(worker)
    interfere(({ operation }, next) => (CONSUMING.includes(operation) ? away() : next()))
    await worker.start()
    await until(() => events.of('backend').length === 1)
    await worker.kill({ kind: 'deadline', error: new Error('time is up') })
    expect(await worker.join('20s')).toBe(true)
    // The worker and the store are as they were: another life does the job.
    interfere(undefined)
    expect(await worker.drainOnce()).toMatchObject({ processed: 1 })
  })

  it('reports upkeep, renewals and progress that fail, and goes on', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    interfere(({ operation }, next) => (/maintain|renew|progress/.test(operation) ? away() : next()))
    const gate = Promise.withResolvers<void>()
    await queue.add('x', 1)
    const handler = (_job: unknown, { progress }: { progress: (value: unknown) => void }): Promise<void> => {
      progress(1)
      return gate.promise
    }
    const worker = queue.worker({ x: handler }, { lease: 400, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('error').length >= 3)
    gate.resolve()
    await until(() => events.outcomes().length === 1)
    expect(events.outcomes()).toEqual(['done'])
    await worker.stop()
    expect(worker.error).toBeUndefined()
  })
})

describe('a worker whose store fails for good', () => {
  const broken = new BackendError('BACKEND_CORRUPT', 'the file is not a database')

  it('fails loudly, and its handlers hear of it', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    let reason: unknown
    const slow = (_job: unknown, { signal }: { signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve()
        })
      })
    await queue.add('slow', 1)
    const worker = queue.worker({ slow, quick: () => {} }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => worker.queueSize > 0)
    await until(async () => (await queue.stats()).counts.active === 1)
    interfere(({ operation }, next) => (CONSUMING.includes(operation) ? Promise.reject(broken) : next()))
    await queue.add('quick', 2)
    expect(await worker.join('20s')).toBe(true)
    expect(worker.state).toBe('failed')
    expect(worker.error).toBe(broken)
    expect(reason).toMatchObject({ code: 'SHUTDOWN' })
    expect(events.of('error').map(({ error }) => error)).toContain(broken)
    expect(events.of('shutdown')).toMatchObject([{ error: broken }])
  })

  it('fails loudly while it is stopping, too: not everything is in the store', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    const gate = Promise.withResolvers<void>()
    await queue.add('x', 1)
    const worker = queue.worker({ x: () => gate.promise }, { logger })
    await worker.start()
    await until(async () => (await queue.stats()).counts.active === 1)
    const stopping = worker.stop()
    interfere(({ operation }, next) => (CONSUMING.includes(operation) ? Promise.reject(broken) : next()))
    gate.resolve()
    await stopping
    expect(worker.state).toBe('failed')
    expect(worker.error).toBe(broken)
  })

  it('makes a drain reject', async () => {
    const { backend, interfere } = wrapped()
    interfere(({ operation }, next) => (operation === 'claim' ? Promise.reject(broken) : next()))
    await expect(new Queue('mail', { backend }).worker({ x: () => {} }, { logger }).drainOnce()).rejects.toBe(
      broken,
    )
  })

  it('fails to start when the store cannot be opened', async () => {
    const backend = memory()
    await backend.close()
    const worker = new Queue('mail', { backend }).worker({ x: () => {} }, { logger })
    await expect(worker.start()).rejects.toThrow('closed')
    expect(worker.state).toBe('failed')
  })
})
