import { describe, expect, it } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../src/core/clock.ts'
import {
  InvalidOptionError,
  InvalidPayloadError,
  MillhandError,
  QueueFullError,
} from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { Queue } from '../../../src/queue/queue.ts'
import { wrapped } from './wrapped-backend.ts'

const open = (options: object = {}): Queue => new Queue('mail', { backend: memory(), ...options })
const anything = (value: unknown): never => value as never

describe('add', () => {
  it.each([
    [{ priority: -1 }, 'priority to be an integer from 0 to 1000, got: -1'],
    [{ priority: 1001 }, 'priority'],
    [{ priority: 1.5 }, 'priority'],
    [{ priority: '1' }, 'priority'],
    [{ delay: Number.NaN }, 'delay to be a duration'],
    [{ delay: -1 }, 'delay'],
    [{ delay: 'soon' }, 'delay'],
    [{ runAt: new Date(Number.NaN) }, 'runAt to be a valid Date'],
    [{ runAt: 123 }, 'runAt'],
    [{ expiresIn: 'x' }, 'expiresIn'],
    [{ id: '' }, 'id to be a text of 1 to 200 characters'],
    [{ id: 'a\u0000b' }, 'id'],
    [{ id: 'x'.repeat(201) }, 'id'],
    [{ id: 7 }, 'id'],
    [{ maxRetries: -1 }, 'maxRetries'],
    [{ maxRetries: Infinity }, 'maxRetries'],
    [{ tags: 'urgent' }, 'tags'],
    [{ tags: [7] }, 'tags'],
    [{ tags: Array.from({ length: 21 }, () => 't') }, 'tags'],
    [{ headers: 'x' }, 'headers'],
    [{ headers: { trace: 7 } }, 'headers.trace to be a text, got: 7'],
    [{ correlationId: '' }, 'correlationId'],
    [{ prioritty: 1 }, 'unknown job option "prioritty"; did you mean "priority"?'],
    [{ runat: new Date() }, 'did you mean "runAt"?'],
  ])('refuses %j', async (options, names) => {
    const queue = open()
    await expect(queue.add('x', 1, options as never)).rejects.toThrow(InvalidOptionError)
    await expect(queue.add('x', 1, options as never)).rejects.toThrow(names)
    expect((await queue.stats()).counts.waiting).toBe(0)
  })

  it.each([['', 7, 'x'.repeat(101), undefined, null]].flat())('refuses the job type %j', async (type) => {
    await expect(open().add(anything(type), 1)).rejects.toThrow('expected type to be a text')
  })

  it.each([
    ['a bigint', { id: 1n }, 'payload.id to be JSON, got: a bigint'],
    ['a function', { done: [() => 1] }, 'payload.done[0]'],
    ['NaN', { n: Number.NaN }, 'payload.n'],
    ['a Map', new Map(), 'a Map'],
    ['a Promise', Promise.resolve(), 'is an await missing?'],
    ['nothing', undefined, 'undefined'],
  ])('refuses %s as a payload, with the path', async (_, payload, names) => {
    await expect(open().add('x', payload)).rejects.toThrow(InvalidPayloadError)
    await expect(open().add('x', payload)).rejects.toThrow(names)
  })

  it('refuses a cycle', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    await expect(open().add('x', cycle)).rejects.toThrow('payload.self to be JSON, got: a cycle')
  })

  it('refuses a payload above the limit of the queue or of the store, counted in bytes', async () => {
    const small = open({ maxPayloadBytes: 10 })
    await small.add('x', '12345678')
    await expect(small.add('x', '123456789')).rejects.toThrow('at most 10 bytes, got: 11')
    await expect(small.add('x', 'ééééé')).rejects.toThrow('got: 12')
    await expect(open().add('x', 'x'.repeat(1_048_576))).rejects.toThrow('1048576 bytes')
    const generous = new Queue('mail', { backend: memory({ maxPayloadBytes: 20 }), maxPayloadBytes: 1000 })
    await expect(generous.add('x', 'x'.repeat(30))).rejects.toThrow(InvalidPayloadError)
  })

  it('keeps what was said of the job, whatever becomes of the objects that said it', async () => {
    const queue = open()
    const options = {
      id: 'mine',
      tags: ['a'],
      headers: { h: '1' },
      priority: 7,
      correlationId: 'c',
      maxRetries: 0,
    }
    const payload = { n: 1 }
    const adding = queue.add('x', payload, options)
    options.tags.push('b')
    options.headers.h = '2'
    payload.n = 2
    expect(await adding).toEqual({ id: 'mine', status: 'added' })
    expect(await queue.get('mine')).toMatchObject({
      payload: { n: 1 },
      tags: ['a'],
      headers: { h: '1', 'correlation-id': 'c' },
      priority: 7,
      maxRetries: 0,
      state: 'waiting',
    })
  })

  it('makes ids that sort by time', async () => {
    const queue = open()
    const ids: string[] = []
    for (let count = 0; count < 20; count++) ids.push((await queue.add('x', count)).id)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(20)
  })

  it('travels with the other adds of its turn of the event loop', async () => {
    const { backend, count, calls } = wrapped()
    const queue = new Queue('mail', { backend })
    await Promise.all(Array.from({ length: 100 }, (_, n) => queue.add('x', n)))
    expect(count('enqueue')).toBe(1)
    expect(calls.find(({ operation }) => operation === 'enqueue')?.args[0]).toMatchObject({ queue: 'mail' })
    await queue.add('x', 100)
    expect(count('enqueue')).toBe(2)
    const payloads = (await queue.list({ limit: 1000 })).map(({ payload }) => payload)
    expect(payloads).toEqual(Array.from({ length: 101 }, (_, n) => n))
  })

  it('does not let one that is refused harm the others of its batch', async () => {
    const queue = open({ maxLength: 2 })
    const answers = await Promise.allSettled([queue.add('x', 1), queue.add('x', 2), queue.add('x', 3)])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect((answers[2] as PromiseRejectedResult).reason).toBeInstanceOf(QueueFullError)
  })

  it('rejects every add of the batch when the store fails', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    interfere(() => Promise.reject(new Error('gone')))
    const answers = await Promise.allSettled([queue.add('x', 1), queue.add('x', 2)])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(queue.addMany([{ type: 'x', payload: 1 }])).rejects.toThrow('gone')
    interfere(undefined)
    expect(await queue.add('x', 3)).toMatchObject({ status: 'added' })
  })
})

describe('addMany', () => {
  it('gives each job its own answer, in the same order', async () => {
    const queue = open()
    await queue.add('x', 0, { id: 'known' })
    const answers = await queue.addMany([
      { type: 'x', payload: 1, options: { id: 'a' } },
      { type: 'x', payload: 1n },
      { type: 'x', payload: 2, options: { id: 'known' } },
      { type: 'x', payload: 3, options: { priority: -1 } },
      { type: 'x', payload: 4, options: { id: 'b' } },
    ])
    expect(answers).toEqual([
      { id: 'a', status: 'added' },
      { status: 'rejected', error: expect.any(InvalidPayloadError) as unknown },
      { id: 'known', status: 'duplicate' },
      { status: 'rejected', error: expect.any(InvalidOptionError) as unknown },
      { id: 'b', status: 'added' },
    ])
    expect((await queue.list()).map(({ id }) => id)).toEqual(['known', 'a', 'b'])
  })

  it('takes no jobs at all, and any iterable', async () => {
    const queue = open()
    expect(await queue.addMany([])).toEqual([])
    const jobs = new Set([{ type: 'x', payload: 1 }])
    expect(await queue.addMany(jobs)).toMatchObject([{ status: 'added' }])
  })
})

describe('an id of your own', () => {
  it('is a duplicate while the job is there, and changes nothing', async () => {
    const queue = open()
    expect(await queue.add('x', 1, { id: 'once' })).toEqual({ id: 'once', status: 'added' })
    expect(await queue.add('x', 2, { id: 'once', priority: 9 })).toEqual({ id: 'once', status: 'duplicate' })
    expect(await queue.get('once')).toMatchObject({ payload: 1, priority: 1 })
  })

  it('is refused for the dedupe window after the end of the job, and free after it', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }), dedupeWindow: '1h' })
    const worker = queue.worker({ x: () => {} }, { logger: silentLogger })
    await queue.add('x', 1, { id: 'once' })
    await worker.drainOnce()
    clock.advance(3_599_000)
    expect(await queue.add('x', 2, { id: 'once' })).toMatchObject({ status: 'duplicate' })
    clock.advance(2_000)
    // Upkeep is done when a worker starts.
    await worker.start()
    await expect.poll(() => queue.add('x', 3, { id: 'once' })).toMatchObject({ status: 'added' })
    await worker.stop()
  })

  it('is free at once when the window is 0', async () => {
    const queue = open({ dedupeWindow: 0 })
    await queue.add('x', 1, { id: 'once' })
    await queue.worker({ x: () => {} }, { logger: silentLogger }).drainOnce()
    expect(await queue.add('x', 2, { id: 'once' })).toMatchObject({ status: 'added' })
  })
})

describe('a full queue', () => {
  it('rejects, saying how full it is', async () => {
    const queue = open({ maxLength: 1 })
    await queue.add('x', 1)
    await expect(queue.add('x', 2)).rejects.toThrow(/queue "mail" is full: .* 1 unfinished jobs/)
    expect(await queue.addMany([{ type: 'x', payload: 3 }])).toMatchObject([
      { status: 'rejected', error: { code: 'QUEUE_FULL' } },
    ])
  })

  it('waits for room when told to, keeping nobody waiting who had room', async () => {
    const queue = open({ maxLength: 1, whenFull: 'wait' })
    const first = queue.add('x', 1)
    const second = queue.add('x', 2)
    expect(await Promise.race([first, second.then(() => 'the second one')])).toMatchObject({
      status: 'added',
    })
    await queue.worker({ x: () => {} }, { logger: silentLogger }).drainOnce()
    expect(await second).toMatchObject({ status: 'added' })
  })

  it('waits no longer than its timeout', async () => {
    const queue = open({ maxLength: 1, whenFull: 'wait', fullTimeout: 30 })
    await queue.add('x', 1)
    const before = performance.now()
    await expect(queue.add('x', 2)).rejects.toThrow(QueueFullError)
    expect(performance.now() - before).toBeGreaterThanOrEqual(25)
  })
})

describe('close', () => {
  it('stores what was added before it, and refuses what comes after', async () => {
    const { backend, count } = wrapped()
    const queue = new Queue('mail', { backend })
    const adding = [queue.add('x', 1), queue.add('x', 2), queue.addMany([{ type: 'x', payload: 3 }])]
    await queue.close()
    await expect(Promise.all(adding)).resolves.toHaveLength(3)
    expect(count('close')).toBe(1)
    await expect(queue.add('x', 4)).rejects.toThrow(MillhandError)
  })
})
