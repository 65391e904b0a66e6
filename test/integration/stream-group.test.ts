import { afterEach, describe, expect, it } from 'vitest'
import { StreamGroup, type StreamGroupOptions, type StreamWorkerClass } from 'millhand/stream'
import { captureLogger } from 'millhand/testing'
import { Emitting, Fragile } from '../fixtures/stream/bad-workers.ts'
import { Counter, type Count } from '../fixtures/stream/counter.ts'
import { until } from '../fixtures/until.ts'

const groups: StreamGroup[] = []

async function start(workerClass: StreamWorkerClass, options: StreamGroupOptions): Promise<StreamGroup> {
  const group = new StreamGroup(workerClass, { logger: captureLogger(), backoff: 20, ...options })
  groups.push(group)
  await group.start()
  return group
}

async function routeAll(group: StreamGroup, key: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await group.route(key, text)
}

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: 5000 })))
})

describe.each(['inline', 'thread', 'process'] as const)('a group of stream workers, %s', (placement) => {
  it('brings every message to the worker of its key, in order, and tells what it did', async () => {
    const group = await start(Counter, { workers: 2, placement })
    expect(group.isHealthy()).toBe(true)
    expect(group.getAliveCount()).toBe(2)
    const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`)
    for (let number = 1; number <= 50; number++) {
      for (const key of keys) await group.route(key, String(number))
    }
    const counts = (await Promise.all(keys.map((key) => group.query(key)))) as Count[]
    for (const count of counts) expect(count).toMatchObject({ last: 50, seen: 50, outOfOrder: 0, missing: 0 })
    await group.settled()
    const { workers, router } = await group.getStats()
    expect(router).toMatchObject({ routed: 5000, dropped: 0 })
    expect(workers.reduce((sum, { stats }) => sum + stats!.messagesProcessed, 0)).toBe(5000)
    expect(workers.every(({ stats }) => stats!.avgProcessingTimeUs > 0 && stats!.memoryUsageBytes > 0)).toBe(
      true,
    )
  })

  it('at its stop handles all that it was given, and can be started again with its states', async () => {
    const group = await start(Counter, { workers: 2, placement })
    for (let number = 1; number <= 5000; number++) void group.route('a', String(number))
    await group.stop()
    expect(() => group.route('a', '1')).toThrow(/stops/)
    await group.start()
    expect(await group.query('a', undefined, { timeout: 5000 })).toMatchObject({
      last: 5000,
      seen: 5000,
      gaps: [],
    })
  })

  it('counts a message on which its worker throws, and handles the rest', async () => {
    const logger = captureLogger()
    const group = await start(Fragile, { placement, logger })
    const texts = Array.from({ length: 100 }, (_, index) => (index % 10 === 9 ? 'throw' : String(index)))
    await routeAll(group, 'a', texts)
    expect(await group.query('a')).toEqual(texts.filter((text) => text !== 'throw'))
    const { workers } = await group.getStats()
    expect(workers[0]!.stats).toMatchObject({ messagesProcessed: 90, errors: 10 })
    expect(logger.messages('error').some((message) => message.includes('handling failed for key a'))).toBe(
      true,
    )
  })

  it('gives up a handler that never returns', async () => {
    const group = await start(Fragile, { placement, timeout: 50 })
    await routeAll(group, 'a', ['1', 'never', '2'])
    expect(await group.query('a', undefined, { timeout: 5000 })).toEqual(['1', '2'])
  })

  it('tells who asks that no answer came in time, and answers the next', async () => {
    const group = await start(Fragile, { placement, timeout: 500 })
    await group.route('a', 'never')
    await expect(group.query('a', undefined, { timeout: 30 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    })
  })

  it('brings what its workers emit to another stream, and to a queue', async () => {
    const routed: string[] = []
    const target = {
      route: (key: string, data: string | Uint8Array) => void routed.push(`${key} ${data as string}`),
    }
    const group = await start(Emitting, { placement, outputs: { out: target } })
    await routeAll(group, 'a', ['1', '2', '3'])
    await group.settled()
    expect(routed).toEqual(['a 1', 'a 2', 'a 3'])
  })

  it('takes timers along when a key goes to another worker', async () => {
    const group = await start(Emitting, { placement, outputs: { out: { route: () => undefined } } })
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`)
    for (const key of keys) await group.route(key, 'timer')
    await group.scale(3)
    for (const key of keys) {
      await until(async () => ((await group.query(key)) as string[]).includes('late'))
    }
  })

  it('tells keys of a gap when it is told of one, and forgets those that others have', async () => {
    const group = await start(Fragile, { placement })
    await group.route('a', '1')
    const partitions = Array.from({ length: 1024 }, (_, index) => index)
    await group.settled()
    group.gap(partitions, 'lost')
    await until(async () => ((await group.query('a')) as string[]).length === 2)
    expect(await group.query('a')).toEqual(['1', 'gap:lost'])
    group.forget(partitions)
    await until(async () => (await group.query('a')) === undefined)
    await group.route('a', '2')
    expect(await group.query('a')).toEqual(['gap:moved', '2'])
  })
})

describe('a group of stream workers', () => {
  it('says what is wrong with its options', () => {
    expect(() => new StreamGroup(Counter, { wokers: 2 } as never)).toThrow(/did you mean "workers"/)
    expect(() => new StreamGroup(Counter, { workers: 0 })).toThrow(/workers/)
    expect(() => new StreamGroup(class {} as never)).toThrow(/extends StreamWorker/)
    expect(() => new StreamGroup(Counter, { outputs: { out: {} as never } })).toThrow(/output out/)
  })

  it('whose class takes batches, which are of many keys, handles one at a time', () => {
    class Batches extends Counter {
      protected override processBatch(): void {}
    }
    expect(() => new StreamGroup(Batches, { concurrency: 2 })).toThrow(
      expect.objectContaining({
        ...{ code: 'INVALID_OPTION', option: 'concurrency' },
        message: expect.stringMatching(
          /of Batches to be 1, since its processBatch .* got: 2; leave/,
        ) as unknown,
      }),
    )
    expect(() => new StreamGroup(Batches, { placement: 'inline' })).not.toThrow()
    expect(() => new StreamGroup(Counter, { concurrency: 2 })).not.toThrow()
  })

  it('refuses keys and records that it can never take', async () => {
    const group = await start(Counter, { placement: 'inline', maxMessageBytes: '1KiB' })
    expect(() => group.route('', '1')).toThrow(/key/)
    expect(() => group.route(5 as never, '1')).toThrow(/key/)
    expect(() => group.route('a', 'x'.repeat(2000))).toThrow(/maxMessageBytes/)
  })
})
