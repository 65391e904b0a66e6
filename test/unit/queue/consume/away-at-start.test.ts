import { afterEach, describe, expect, it, vi } from 'vitest'
import { BackendError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const away = (): Promise<never> => Promise.reject(new BackendError('BACKEND_UNAVAILABLE', 'nobody answers'))

describe('a worker whose store is away at its start', () => {
  it('waits for it, says so, and begins when it is there', async () => {
    const { backend, interfere, count } = wrapped()
    const queue = new Queue('mail', { backend })
    const seen: unknown[] = []
    await queue.add('x', 1)
    interfere(() => away())
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('backend').length === 1)
    expect(events.of('backend')[0]).toMatchObject({ up: false, error: { message: 'nobody answers' } })
    await until(() => count('open') >= 4)
    interfere(undefined)
    await until(() => seen.length === 1)
    expect(events.of('backend').map(({ up }) => up)).toEqual([false, true])
    await worker.stop()
    expect(worker.error).toBeUndefined()
  })

  it('stops meanwhile when it is told to, without an error', async () => {
    const { backend, interfere } = wrapped()
    interfere(() => away())
    const worker = new Queue('mail', { backend }).worker({ x: () => {} }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('backend').length === 1)
    await worker.stop()
    expect([worker.state, worker.error]).toEqual(['stopped', undefined])
  })

  it('fails with the reason that waiting cannot cure, at its start or when that turns out later', async () => {
    const { backend, interfere } = wrapped()
    const wrong = new BackendError('BACKEND_UNAVAILABLE', 'the password is wrong', { retryable: false })
    interfere(() => Promise.reject(wrong))
    const worker = new Queue('mail', { backend }).worker({ x: () => {} }, { logger })
    await expect(worker.start()).rejects.toBe(wrong)
    interfere(() => away())
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('backend').length === 1)
    interfere(() => Promise.reject(wrong))
    expect(await worker.join('20s')).toBe(true)
    expect([worker.state, worker.error]).toEqual(['failed', wrong])
  })
})

describe('a worker whose store falls silent', () => {
  afterEach(() => void vi.useRealTimers())

  it('has its connections replaced after five seconds, says so, and goes on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'hrtime'] })
    let cut = Promise.withResolvers<never>()
    const reconnect = vi.fn(() => cut.reject(new BackendError('BACKEND_UNAVAILABLE', 'cut off')))
    const { backend, interfere, calls } = wrapped({ reconnect })
    const queue = new Queue('mail', { backend })
    const worker = queue.worker({ x: () => {} }, { logger })
    const events = recordEvents(worker)
    await worker.start()
    await vi.waitUntil(() => calls.some(({ operation }) => operation === 'claim'), { timeout: 20_000 })
    interfere(({ operation }, next) => (operation === 'claim' ? cut.promise : next()))
    await queue.add('x', 1)
    await vi.advanceTimersByTimeAsync(4_900)
    expect(reconnect).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(200)
    expect(reconnect).toHaveBeenCalledOnce()
    expect(events.of('silent')).toMatchObject([{ queue: 'mail', forMs: expect.any(Number) }])
    cut = Promise.withResolvers<never>()
    interfere(undefined)
    for (let n = 0; n < 50 && events.outcomes().length === 0; n++) await vi.advanceTimersByTimeAsync(10)
    expect(events.outcomes()).toEqual(['done'])
    expect(events.of('backend').map(({ up }) => up)).toEqual([false, true])
    vi.useRealTimers()
    await worker.stop()
  })

  it('runs no job whose lease may have run out while its claim went unanswered', async () => {
    const { backend, interfere, calls } = wrapped()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 1)
    let isLost = true
    interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation !== 'claim' || !isLost) return reply
      isLost = false
      // For longer than the lease.
      await new Promise((resolve) => {
        setTimeout(resolve, 150)
      })
      return reply
    })
    const starts: number[] = []
    const claims = (): number => calls.filter(({ operation }) => /claim|exchange/.test(operation)).length
    const worker = queue.worker({ x: () => void starts.push(claims()) }, { lease: 100, logger })
    await worker.start()
    await until(() => starts.length === 1)
    await worker.stop()
    // Not from the first claim: that one was handed back.
    expect(starts[0]).toBeGreaterThan(1)
    expect((await queue.stats()).counts).toMatchObject({ waiting: 0, active: 0, dead: 0 })
  })
})
