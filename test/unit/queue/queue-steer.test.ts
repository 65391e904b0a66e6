import { describe, expect, it } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../src/core/clock.ts'
import { NonRetryableError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { DeadLetterFilter } from '../../../src/queue/dead-letter.ts'
import { Queue } from '../../../src/queue/queue.ts'

const logger = silentLogger
const open = (options: object = {}): Queue => new Queue('mail', { backend: memory(), ...options })

/** A queue with three dead letters: two of type `a`, one of `b` with a tag. */
async function withDead(): Promise<Queue> {
  const queue = open()
  await queue.add('a', 1, { id: 'a1' })
  await queue.add('a', 2, { id: 'a2' })
  await queue.add('b', 3, { id: 'b1', tags: ['red'] })
  const fail = (): never => {
    throw new NonRetryableError('hopeless')
  }
  const odd = (): never => {
    throw Object.assign(new NonRetryableError('odd'), { code: 'ODD' })
  }
  await queue.worker({ a: fail, b: odd }, { logger }).drainOnce()
  return queue
}

describe('looking into a queue', () => {
  it('finds a job by its id, and nothing where nothing is', async () => {
    const queue = open()
    const { id } = await queue.add('x', { n: 1 }, { delay: '1h' })
    expect(await queue.get(id)).toMatchObject({
      id,
      type: 'x',
      payload: { n: 1 },
      state: 'delayed',
      result: null,
    })
    expect(await queue.get('nobody')).toBeUndefined()
  })

  it('lists by state, type and tag, in pages', async () => {
    const queue = open()
    for (let n = 0; n < 10; n++) await queue.add(n % 2 ? 'odd' : 'even', n, { tags: n > 7 ? ['last'] : [] })
    await queue.add('odd', 10, { delay: '1h' })
    const payloads = async (filter: Parameters<Queue['list']>[0]): Promise<unknown[]> =>
      (await queue.list(filter)).map(({ payload }) => payload)
    expect(await payloads({ types: ['odd'], states: ['waiting'] })).toEqual([1, 3, 5, 7, 9])
    expect(await payloads({ tags: ['last'] })).toEqual([8, 9])
    expect(await payloads({ states: ['delayed'] })).toEqual([10])
    const first = await queue.list({ limit: 4 })
    expect(await payloads({ limit: 4, after: first.at(-1)!.seq })).toEqual([4, 5, 6, 7])
    await expect(queue.list({ state: ['dead'] } as never)).rejects.toThrow('did you mean "states"?')
  })

  it('counts jobs by state', async () => {
    const queue = open()
    await queue.add('x', 1)
    await queue.add('x', 2, { delay: 1000 })
    const { counts, paused } = await queue.stats()
    expect(counts).toMatchObject({ waiting: 1, delayed: 1, active: 0, dead: 0 })
    expect(paused).toBe(false)
  })

  it('keeps done jobs with their results for as long as it was told to', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }), retention: { done: '1d' } })
    const worker = queue.worker({ x: (job) => ({ twice: (job.payload as number) * 2 }) }, { logger })
    const { id } = await queue.add('x', 4)
    await worker.drainOnce()
    expect(await queue.get(id)).toMatchObject({ state: 'done', result: { twice: 8 } })
    clock.advance(86_401_000)
    // Upkeep is done when a worker starts.
    await worker.start()
    await expect.poll(() => queue.get(id)).toBeUndefined()
    await worker.stop()
  })

  it('removes done jobs at once by default', async () => {
    const queue = open()
    const { id } = await queue.add('x', 1)
    await queue.worker({ x: () => 'result' }, { logger }).drainOnce()
    expect(await queue.get(id)).toBeUndefined()
  })
})

describe('steering a queue', () => {
  it('cancels what is not finished', async () => {
    const queue = open({ retention: { cancelled: '1d' } })
    const { id } = await queue.add('x', 1)
    expect(await queue.cancel(id)).toBe('cancelled')
    expect(await queue.cancel(id)).toBe('finished')
    expect(await queue.cancel('nobody')).toBe('not-found')
    expect(await queue.get(id)).toMatchObject({ state: 'cancelled' })
  })

  it('starts nothing while it is paused', async () => {
    const queue = open()
    await queue.pause()
    await queue.add('x', 1)
    const worker = queue.worker({ x: () => {} }, { logger })
    expect(await worker.drainOnce()).toMatchObject({ processed: 0, timedOut: false })
    expect((await queue.stats()).paused).toBe(true)
    await queue.resume()
    expect(await worker.drainOnce()).toMatchObject({ processed: 1 })
  })

  it('purges jobs by state, in steps, and frees their ids', async () => {
    const queue = open()
    await queue.addMany(
      Array.from({ length: 1201 }, (_, n) => ({ type: 'x', payload: n, options: { id: `${n}` } })),
    )
    await queue.add('x', 'later', { delay: '1h' })
    expect(await queue.purge(['waiting'])).toBe(1201)
    expect((await queue.stats()).counts).toMatchObject({ waiting: 0, delayed: 1 })
    expect(await queue.add('x', 0, { id: '7' })).toMatchObject({ status: 'added' })
  })
})

describe('dead letters', () => {
  it('are envelopes around the jobs that failed for good', async () => {
    const queue = await withDead()
    const letters = await queue.dead.list()
    expect(letters.map(({ id }) => id)).toEqual(['dlq_a1', 'dlq_a2', 'dlq_b1'])
    expect(letters[0]).toMatchObject({
      type: 'dead_letter',
      priority: 0,
      payload: {
        original: { id: 'a1', type: 'a', payload: 1, state: 'dead' },
        error: 'hopeless',
        errorType: 'NON_RETRYABLE',
        failedAt: expect.any(Date) as unknown,
      },
    })
    expect(await queue.dead.get('dlq_b1')).toEqual(await queue.dead.get('b1'))
    expect(await queue.dead.get('nobody')).toBeUndefined()
  })

  it.each<[DeadLetterFilter, string[]]>([
    [{ types: ['a'] }, ['a1', 'a2']],
    [{ tags: ['red'] }, ['b1']],
    [{ error: 'ODD' }, ['b1']],
    [{ ids: ['dlq_a2', 'b1'] }, ['a2', 'b1']],
    [{ types: ['a'], ids: ['b1'] }, []],
    [{ before: new Date(0) }, []],
    [{ ids: [] }, []],
  ])('are found by %j', async (filter, ids) => {
    const queue = await withDead()
    expect((await queue.dead.list(filter)).map(({ payload }) => payload.original.id)).toEqual(ids)
  })

  it('are analysed by type and by error', async () => {
    const queue = await withDead()
    const report = await queue.dead.analyze()
    expect(report).toMatchObject({ total: 3, byType: { a: 2, b: 1 }, byError: { NON_RETRYABLE: 2, ODD: 1 } })
    expect(report.oldest!.getTime()).toBeLessThanOrEqual(report.newest!.getTime())
    expect((await queue.dead.analyze({ limit: 2 })).total).toBe(2)
    expect(await open().dead.analyze()).toEqual({
      total: 0,
      byType: {},
      byError: {},
      oldest: undefined,
      newest: undefined,
    })
  })

  it('are replayed one, many or all, with their attempts at 0, and are letters no more', async () => {
    const queue = await withDead()
    expect(await queue.dead.replay('dlq_a1')).toBe(1)
    expect(await queue.get('a1')).toMatchObject({ state: 'waiting', attempt: 0 })
    expect(await queue.dead.replay({ types: ['a'] })).toBe(1)
    expect(await queue.dead.replay({})).toBe(1)
    expect(await queue.dead.list()).toEqual([])
    expect(await queue.worker({ a: () => {}, b: () => {} }, { logger }).drainOnce()).toMatchObject({
      processed: 3,
    })
  })

  it('are purged one, many or all', async () => {
    const queue = await withDead()
    expect(await queue.dead.purge('a1')).toBe(1)
    expect(await queue.dead.purge({ error: 'ODD' })).toBe(1)
    expect(await queue.dead.purge({})).toBe(1)
    expect((await queue.stats()).counts.dead).toBe(0)
  })

  it('are safe from a misspelt condition, which would match them all', async () => {
    const queue = await withDead()
    await expect(queue.dead.purge({ type: ['a'] } as never)).rejects.toThrow('did you mean "types"?')
    await expect(queue.dead.replay({ tag: 'red' } as never)).rejects.toThrow('did you mean "tags"?')
    expect((await queue.stats()).counts.dead).toBe(3)
  })
})
