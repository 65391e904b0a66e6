import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../../src/core/clock.ts'
import { InvalidOptionError, StateError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const open = (options: object = {}): Queue => new Queue('mail', { backend: memory(), ...options })
const after = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

describe('a worker', () => {
  it('never runs more than its concurrency at once, and reaches it', async () => {
    const queue = open()
    await queue.addMany(Array.from({ length: 60 }, (_, n) => ({ type: 'x', payload: n })))
    let [running, most] = [0, 0]
    const handler = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await after(1)
      running--
    }
    expect(await queue.worker({ x: handler }, { concurrency: 7, logger }).drainOnce()).toMatchObject({
      processed: 60,
    })
    expect(most).toBe(7)
  })

  it('runs the most urgent first, equals in the order of their adds, retried ones included', async () => {
    const queue = open({ retry: { baseDelay: 0 } })
    const seen: string[] = []
    for (const [name, priority] of [
      ['low', 0],
      ['a', 1],
      ['b', 1],
      ['high', 1000],
      ['c', 1],
    ] as const) {
      await queue.add('x', name, { priority })
    }
    const failed = new Set<unknown>()
    const worker = queue.worker({ x: ({ payload }) => {
      if (payload === 'a' && !failed.has(payload)) {
        failed.add(payload)
        throw new Error('once more')
      }
      seen.push(payload as string)
    } }, { concurrency: 1, logger }) // prettier-ignore
    await worker.drainOnce()
    expect(seen).toEqual(['high', 'a', 'b', 'c', 'low'])
  })

  it('claims only the types that it handles', async () => {
    const queue = open()
    await queue.add('mine', 1)
    const { id } = await queue.add('others', 2)
    expect(await queue.worker({ mine: () => {} }, { logger }).drainOnce()).toMatchObject({
      processed: 1,
      failed: 0,
    })
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', attempt: 0 })
  })

  it('takes up a type at once when a handler for it is registered while it runs', async () => {
    const { backend, count } = wrapped()
    const queue = new Queue('mail', { backend })
    const worker = queue.worker({ a: () => {} }, { logger })
    const seen: unknown[] = []
    await queue.add('b', 'early')
    await worker.start()
    await until(() => count('claim') > 0)
    await after(20)
    worker.registerHandler('b', (job) => void seen.push(job.payload))
    await until(() => seen.length === 1, { timeout: PROMPT_MS })
    await worker.stop()
  })

  it('does not start what has expired', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }) })
    const { id } = await queue.add('x', 1, { expiresIn: '10s' })
    await queue.add('x', 2, { expiresIn: '30s' })
    clock.advance(11_000)
    const seen: unknown[] = []
    await queue.worker({ x: (job) => void seen.push(job.payload) }, { logger }).drainOnce()
    expect(seen).toEqual([2])
    expect(await queue.get(id)).toMatchObject({ state: 'dead', error: { code: 'JOB_EXPIRED' } })
  })

  it('is woken by an add, not by a poll', async () => {
    const queue = open()
    const started = Promise.withResolvers<number>()
    const worker = queue.worker({ x: () => started.resolve(performance.now()) }, { logger })
    await worker.start()
    await after(20)
    const added = performance.now()
    await queue.add('x', 1)
    expect((await started.promise) - added).toBeLessThan(PROMPT_MS)
    await worker.stop()
  })

  it('is woken by what was added while it was busy, as soon as it is free', async () => {
    const queue = open()
    const times: number[] = []
    const handler = async (): Promise<void> => {
      times.push(performance.now())
      await after(150)
    }
    const worker = queue.worker({ x: handler }, { concurrency: 1, logger })
    await worker.start()
    await queue.add('x', 1)
    await until(() => times.length === 1)
    await queue.add('x', 2)
    await until(() => times.length === 2, { timeout: PROMPT_MS })
    await worker.stop()
  })

  it('is woken by what was added while the answer was on its way that there is nothing', async () => {
    const { backend, interfere, count } = wrapped()
    const queue = new Queue('mail', { backend })
    interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation === 'claim') await after(40)
      return reply
    })
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    await worker.start()
    await until(() => count('claim') === 1)
    await queue.add('x', 'between')
    await until(() => seen.length === 1, { timeout: PROMPT_MS })
    await worker.stop()
  })

  it('takes the next job as soon as the one that it ran was cancelled', async () => {
    const queue = open()
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job, { signal }) => {
      seen.push(job.payload)
      return new Promise((resolve) => { signal.addEventListener('abort', resolve) })
    } }, { concurrency: 1, logger }) // prettier-ignore
    await worker.start()
    const ids = await Promise.all(['first', 'second'].map((payload) => queue.add('x', payload)))
    await until(() => seen.length === 1)
    await after(150)
    await queue.cancel(ids[0]!.id)
    await until(() => seen.length === 2, { timeout: PROMPT_MS })
    await queue.cancel(ids[1]!.id)
    await worker.stop()
  })

  it('starts a delayed job when it is due', async () => {
    const queue = open()
    const times: number[] = []
    const worker = queue.worker({ x: () => void times.push(performance.now()) }, { logger })
    await worker.start()
    const added = performance.now()
    await queue.add('x', 1, { delay: 60 })
    await queue.add('x', 2, { delay: '90d' })
    await until(() => times.length === 1, { timeout: PROMPT_MS })
    expect(times[0]! - added).toBeGreaterThanOrEqual(58)
    await worker.stop()
  })

  it('does not ask again and again for due jobs that it cannot have', async () => {
    const clock = new FakeClock()
    const { backend, calls } = wrapped({ clock })
    const queue = new Queue('mail', { backend })
    const gate = Promise.withResolvers<void>()
    const worker = queue.worker({ x: () => gate.promise }, { concurrency: 1, logger })
    await queue.add('x', 1)
    await queue.add('x', 2, { delay: 50 })
    await worker.start()
    await until(() => worker.queueSize > 0)
    // Due, but the only place is taken; then paused.
    clock.advance(60)
    await queue.add('x', 3)
    await after(250)
    const trips = (): number => calls.filter(({ operation }) => /claim|exchange/.test(operation)).length
    const atCapacity = trips()
    expect(atCapacity).toBeLessThan(10)
    await queue.pause()
    gate.resolve()
    await after(200)
    expect(trips() - atCapacity).toBeLessThan(10)
    await worker.stop()
  })
})

describe('drainOnce', () => {
  it('leaves delayed jobs that are not due, and tells what it did', async () => {
    const queue = open()
    await queue.add('x', 1)
    await queue.add('x', 2, { delay: '1h' })
    expect(await queue.worker({ x: () => {} }, { logger }).drainOnce()).toEqual({
      processed: 1,
      failed: 0,
      timedOut: false,
    })
    expect((await queue.stats()).counts).toMatchObject({ waiting: 0, delayed: 1 })
  })

  it('runs everything that is due, also behind many due jobs of other types', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }) })
    await queue.addMany(
      Array.from({ length: 950 }, (_, n) => ({ type: 'other', payload: n, options: { delay: 1 } })),
    )
    await queue.add('x', 1, { delay: 2 })
    clock.advance(10)
    expect(await queue.worker({ x: () => {} }, { logger }).drainOnce()).toMatchObject({ processed: 1 })
  })

  it('runs what its own jobs add', async () => {
    const queue = open()
    await queue.add('x', 5)
    const worker = queue.worker({ x: async (job) => {
      if ((job.payload as number) > 1) await queue.add('x', (job.payload as number) - 1)
    } }, { logger }) // prettier-ignore
    expect(await worker.drainOnce()).toMatchObject({ processed: 5 })
  })

  it('is bounded by its timeout: what still runs is aborted and handed back unharmed', async () => {
    const queue = open()
    const { id } = await queue.add('x', 1)
    let aborted: unknown
    const worker = queue.worker({ x: (_job, { signal }) => {
      signal.addEventListener('abort', () => (aborted = signal.reason))
      return new Promise(() => {})
    } }, { logger }) // prettier-ignore
    const before = performance.now()
    expect(await worker.drainOnce({ timeout: 50 })).toEqual({ processed: 0, failed: 0, timedOut: true })
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
    expect(aborted).toMatchObject({ code: 'SHUTDOWN' })
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', attempt: 0, crashes: 0 })
  })

  it('is refused while the worker runs', async () => {
    const worker = open().worker({ x: () => {} }, { logger })
    await worker.start()
    await expect(worker.drainOnce()).rejects.toThrow(StateError)
    await worker.stop()
  })

  it('does the upkeep of the store, however short it is', async () => {
    const { backend, count } = wrapped()
    await new Queue('mail', { backend }).worker({ x: () => {} }, { logger }).drainOnce()
    expect(count('maintain')).toBe(1)
  })
})

describe('worker options', () => {
  it.each([
    [{ concurrency: 0 }, 'concurrency to be an integer from 1'],
    [{ concurrency: Number.NaN }, 'concurrency'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: 'never' }, 'timeout'],
    [{ lease: 5 }, 'lease'],
    [{ concurency: 5 }, 'did you mean "concurrency"?'],
    [{ name: '' }, 'name'],
  ])('%j are refused', (options, names) => {
    expect(() => open().worker({ x: () => {} }, options as object)).toThrow(InvalidOptionError)
    expect(() => open().worker({ x: () => {} }, options as object)).toThrow(names)
  })

  it('need handlers that are functions, for types that the queue has, and at least one', async () => {
    expect(() => open().worker({ x: 'nothing' } as never)).toThrow('handler of "x" to be a function')
    await expect(open().worker({}, { logger }).start()).rejects.toThrow('at least one job type')
  })
})
