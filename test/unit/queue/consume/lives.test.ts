import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Handler } from '../../../../src/queue/consume/handler.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { captureLogger } from '../../../../src/testing/capture-logger.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const open = (options: object = {}): Queue => new Queue('mail', { backend: memory(), ...options })
const after = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
const cause = { kind: 'deadline', error: new Error('time is up') } as const

/** A handler that waits until it is told to go on, and what it was told by its signal. */
function waiting(): { handler: Handler; begun: () => number; go: () => void; reasons: unknown[] } {
  const gate = Promise.withResolvers<void>()
  const reasons: unknown[] = []
  let begun = 0
  const handler: Handler = (_job, { signal }) => {
    begun++
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    return gate.promise
  }
  return { handler, begun: () => begun, go: gate.resolve, reasons }
}

describe.concurrent('an attempt that takes too long', () => {
  it('hears so by its signal, and has failed when it gives up', async () => {
    const queue = open({ retry: { maxRetries: 0 } })
    const { id } = await queue.add('x', 1)
    const handler: Handler = (_job, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('I was told to stop')))
      })
    const before = performance.now()
    const worker = queue.worker({ x: handler }, { timeout: 40, logger })
    expect(await worker.drainOnce()).toMatchObject({ failed: 1 })
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    expect(await queue.get(id)).toMatchObject({ state: 'dead', error: { code: 'JOB_TIMEOUT' } })
  })

  it('is done when it comes to its end all the same, late but complete', async () => {
    const queue = open({ retry: { maxRetries: 0 } })
    await queue.add('x', 1)
    const handler: Handler = (_job, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => void setTimeout(resolve, 20))
      })
    const worker = queue.worker({ x: handler }, { timeout: 30, logger })
    expect(await worker.drainOnce()).toEqual({ processed: 1, failed: 0, timedOut: false })
  })

  it('is given up when it never settles: its place is free, and what it does later counts for nothing', async () => {
    const queue = open({ retry: { maxRetries: 0 } })
    const log = captureLogger()
    const stuck = Promise.withResolvers<void>()
    const { id } = await queue.add('stuck', 1, { priority: 2 })
    await queue.add('next', 2)
    const handlers = { stuck: () => stuck.promise, next: () => {} }
    const worker = queue.worker(handlers, { timeout: 20, concurrency: 1, logger: log })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.attempts().length === 2)
    expect(events.outcomes()).toEqual(['dead', 'done'])
    expect(await queue.get(id)).toMatchObject({ state: 'dead', error: { code: 'JOB_TIMEOUT' } })
    expect(log.messages('warn')).toEqual([expect.stringContaining('goes on although its signal was aborted')])
    stuck.reject(new Error('at last'))
    await after(10)
    await worker.stop()
    expect(events.attempts()).toHaveLength(2)
    expect([worker.processedCount, worker.errorCount]).toEqual([1, 1])
    expect((await queue.get(id))?.history).toHaveLength(1)
  })
})

describe.concurrent('a cancel', () => {
  it('aborts the signal of a running job promptly, and frees its place', async () => {
    const queue = open({ retention: { cancelled: '1h' } })
    const { handler, begun, reasons } = waiting()
    const { id } = await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { concurrency: 1, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => begun() === 1)
    const before = performance.now()
    expect(await queue.cancel(id)).toBe('cancelled')
    await until(() => reasons.length === 1, { timeout: PROMPT_MS })
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    expect(reasons[0]).toMatchObject({ code: 'JOB_CANCELLED' })
    await until(() => events.outcomes().length === 1)
    expect(events.outcomes()).toEqual(['cancelled'])
    expect([worker.processedCount, worker.errorCount]).toEqual([0, 0])
    expect(await queue.get(id)).toMatchObject({ state: 'cancelled' })
    await worker.stop()
  })

  it('is noticed by a worker whose places are all taken, at the latest after a moment', async () => {
    const queue = open()
    const { handler, begun, reasons, go } = waiting()
    const ids = await Promise.all([1, 2, 3].map((n) => queue.add('x', n)))
    // A delayed job sets an alarm of its own, which must not hide the cancel.
    await queue.add('x', 4, { delay: 50 })
    const worker = queue.worker({ x: handler }, { concurrency: 3, logger })
    await worker.start()
    await until(() => begun() === 3)
    await queue.cancel(ids[1]!.id)
    await until(() => reasons.length === 1, { timeout: PROMPT_MS })
    go()
    await worker.stop()
  })
})

describe.concurrent('stop', () => {
  it('waits for what runs, takes nothing new and hands back the rest unharmed', async () => {
    const queue = open()
    const { handler, begun, go, reasons } = waiting()
    await queue.addMany(Array.from({ length: 10 }, (_, n) => ({ type: 'x', payload: n })))
    const worker = queue.worker({ x: handler }, { concurrency: 2, logger })
    await worker.start()
    await until(() => begun() === 2)
    const stopping = worker.stop()
    await queue.add('x', 10)
    await after(30)
    expect(worker.state).toBe('stopping')
    go()
    await stopping
    expect([begun(), reasons.length, worker.processedCount]).toEqual([2, 0, 2])
    expect((await queue.stats()).counts).toMatchObject({ active: 0, waiting: 9 })
    expect((await queue.list()).every(({ attempt, crashes }) => attempt === 0 && crashes === 0)).toBe(true)
  })

  it('before the first claim is answered hands back what the claim then brings', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 1)
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation === 'claim') {
        asked.resolve()
        await answer.promise
      }
      return reply
    })
    const worker = queue.worker({ x: () => expect.unreachable() }, { logger })
    await worker.start()
    await asked.promise
    const stopping = worker.stop()
    answer.resolve()
    await stopping
    expect(await queue.list()).toMatchObject([{ state: 'waiting', attempt: 0, crashes: 0 }])
  })

  it('during and right after start is fine, and the worker can live again and again', async () => {
    const queue = open()
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    await worker.stop()
    const starting = worker.start()
    await worker.stop()
    await starting
    for (let life = 0; life < 3; life++) {
      await worker.start()
      await queue.add('x', life)
      await until(() => seen.length === life + 1)
      await worker.stop()
      expect(worker.processedCount).toBe(life + 1)
    }
  })
})

describe.concurrent('kill', () => {
  it('aborts what runs and hands it back without spending an attempt', async () => {
    const queue = open()
    const { handler, begun, reasons } = waiting()
    const { id } = await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => begun() === 1)
    await worker.kill(cause)
    expect(reasons[0]).toMatchObject({
      code: 'SHUTDOWN',
      message: expect.stringContaining('time is up') as string,
    })
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', attempt: 0, crashes: 0, started: false })
    expect(events.outcomes()).toEqual(['release'])
    expect(await worker.join('20s')).toBe(true)
  })

  it('has told a store of this process when the call returns, for there may be no later', async () => {
    const queue = open()
    const { handler, begun } = waiting()
    const { id } = await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { logger })
    await worker.start()
    await until(() => begun() === 1)
    const killing = worker.kill(cause)
    const seen = queue.backend.get('mail', id)
    expect(await seen).toMatchObject({ state: 'waiting' })
    await killing
  })

  it('hands back what a claim brings that was under way', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 1)
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation === 'claim') {
        asked.resolve()
        await answer.promise
      }
      return reply
    })
    const worker = queue.worker({ x: () => expect.unreachable() }, { logger })
    await worker.start()
    await asked.promise
    const killing = worker.kill(cause)
    answer.resolve()
    await killing
    expect(await queue.list()).toMatchObject([{ state: 'waiting', crashes: 0, started: false }])
  })

  it('is bounded when the store does not answer', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    const { handler, begun } = waiting()
    await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { logger })
    await worker.start()
    await until(() => begun() === 1)
    interfere(({ operation }, next) => (operation === 'settle' ? new Promise(() => {}) : next()))
    const before = performance.now()
    await worker.kill(cause)
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})
