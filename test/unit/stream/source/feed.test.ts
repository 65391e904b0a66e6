import { afterEach, describe, expect, test } from 'vitest'
import { InvalidOptionError, MillhandError } from '../../../../src/core/errors.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { BatchSize } from '../../../../src/stream/source/batch-size.ts'
import type { FeedTarget } from '../../../../src/stream/source/feed-target.ts'
import { StreamFeed } from '../../../../src/stream/source/feed.ts'
import { LeasedSource } from '../../../../src/stream/source/leased-source.ts'
import { partitionsOf, shardOf, shardOfKey } from '../../../../src/stream/source/shards.ts'
import { PARTITIONS, partitionOf } from '../../../../src/stream/partition.ts'
import { MemoryShards } from '../../../fixtures/stream/memory-shards.ts'
import { until } from '../../../fixtures/until.ts'

const LEASE_MS = 1_000

/** A group that handles nothing by itself: what was routed is done when `handle` says so. */
class Target implements FeedTarget {
  readonly said: string[] = []
  readonly #waiting: (() => void)[] = []
  /** When set, nothing more has room. */
  full: PromiseWithResolvers<void> | undefined
  refuse: ((key: string) => Error | undefined) | undefined

  route(key: string, data: string | Uint8Array): Promise<void> | undefined {
    const error = this.refuse?.(key)
    if (error !== undefined) throw error
    this.said.push(`${key} ${String(data)}`)
    return this.full?.promise
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  forget(partitions: readonly number[]): void {
    this.said.push(`forget ${partitions.length}`)
  }

  gap(partitions: readonly number[], reason: 'moved' | 'lost'): void {
    this.said.push(`gap ${partitions.length} ${reason}`)
  }

  handle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** From now on all is done at once. */
  handleAll(): void {
    this.settled = () => Promise.resolve()
    this.handle()
  }
}

const feeds: StreamFeed[] = []
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.stop()
})

function setUp(shards = 1) {
  const server = new MemoryShards(shards, LEASE_MS)
  const source = new LeasedSource('prices', (hints) => server.connect(hints), {
    ...{ lease: LEASE_MS, pollEvery: 20, commitEvery: 1, batchSize: 4, batchBytes: 1_000 },
  })
  const target = new Target()
  const feed = new StreamFeed({ source, target, drainTimeout: 100, logger: silentLogger })
  feeds.push(feed)
  return { server, source, target, feed }
}

describe('a feed', () => {
  test('commits what is done with, and not before', async () => {
    const { server, target, feed } = setUp()
    for (const n of ['1', '2', '3']) server.append('a', n)
    await feed.start()
    await until(() => target.said.length === 3)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.offsets.get(0)).toBeUndefined()
    server.append('a', '4')
    await until(() => target.said.length === 4)
    // The fourth was routed after the mark.
    target.handle()
    await until(() => server.offsets.get(0) === '3')
    target.handleAll()
    await until(() => server.offsets.get(0) === '4')
    expect(target.said).toEqual(['a 1', 'a 2', 'a 3', 'a 4'])
    expect(feed.processedCount).toBe(4)
  })

  test('reads no more while there is no room', async () => {
    const { server, source, target, feed } = setUp()
    for (let n = 1; n <= 20; n++) server.append('a', String(n))
    target.full = Promise.withResolvers()
    await feed.start()
    await until(() => target.said.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(target.said).toEqual(['a 1'])
    expect(source.status().recordsRead).toBe(4)
    const { resolve } = target.full
    target.full = undefined
    resolve()
    target.handleAll()
    await until(() => server.offsets.get(0) === '20')
  })

  test('leaves out what can never be taken, counts it, and tells of the gap', async () => {
    const { server, target, feed } = setUp()
    target.handleAll()
    target.refuse = (key) =>
      key === 'large'
        ? new MillhandError('PAYLOAD_TOO_LARGE', 'too large')
        : key === ''
          ? new InvalidOptionError('key', 'expected key not to be empty')
          : undefined
    for (const key of ['a', 'large', '', 'b']) server.append(key, '1')
    await feed.start()
    await until(() => server.offsets.get(0) === '4')
    expect(target.said).toEqual(['a 1', 'gap 1 lost', 'gap 1 lost', 'b 1'])
    expect(feed.errorCount).toBe(2)
  })

  test('fails when the group takes nothing any more, and leaves what is not done to others', async () => {
    const { server, source, target, feed } = setUp()
    target.handleAll()
    server.append('a', '1')
    await feed.start()
    await until(() => server.offsets.get(0) === '1')
    target.refuse = () => new MillhandError('INVALID_STATE', 'the group stops')
    server.append('a', '2')
    await feed.join()
    expect(feed.error).toMatchObject({ message: 'the group stops' })
    expect(server.members.size).toBe(0)
    expect(source.status().owned).toEqual([])
    target.refuse = undefined
    await feed.start()
    await until(() => server.offsets.get(0) === '2')
    expect(feed.processedCount).toBe(3)
    // What came before its failure is another's, perhaps.
    expect(target.said).toEqual(['a 1', 'forget 1024', 'gap 1024 moved', 'a 2'])
  })

  test('drains at its stop, and drops the states of what it gave up', async () => {
    const { server, target, feed } = setUp(2)
    const key = ['a', 'b', 'c', 'd'].find((each) => shardOfKey(each, 2) === 1)!
    server.append(key, '1')
    await feed.start()
    await until(() => target.said.length === 1)
    const stopped = feed.stop()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.leases.has(1)).toBe(true)
    target.handleAll()
    await stopped
    expect(server.offsets.get(1)).toBe('1')
    expect(server.leases.size).toBe(0)
    expect(target.said).toEqual([`${key} 1`, 'forget 512', 'forget 512'])
  })

  test('waits no longer at its stop than it was told to', async () => {
    const { server, target, feed } = setUp()
    server.append('a', '1')
    await feed.start()
    await until(() => target.said.length === 1)
    await feed.stop()
    expect(server.offsets.get(0)).toBeUndefined()
    expect(server.members.size).toBe(0)
  })

  test('names what is wrong with its options', () => {
    const { source, target } = setUp()
    expect(() => new StreamFeed({ source: {} as never, target })).toThrow('expected source to be a source')
    expect(() => new StreamFeed({ source, target: {} as never })).toThrow(
      'expected target to be a StreamGroup',
    )
    expect(() => new StreamFeed({ source, target, drainTimeOut: 1 } as never)).toThrow('"drainTimeout"?')
  })
})

test('every partition is in one shard, and the shard of a key is that of its partition', () => {
  for (const shards of [1, 3, 16, 1000, 1024]) {
    const all = Array.from({ length: shards }, (_, shard) => partitionsOf(shard, shards))
    expect(all.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: PARTITIONS }, (_, i) => i))
    for (const key of ['a', 'é', 'EURUSD']) {
      expect(shardOfKey(key, shards)).toBe(shardOf(partitionOf(key), shards))
      expect(all[shardOfKey(key, shards)]).toContain(partitionOf(key))
    }
  }
})

test('a batch grows to what fits, and shrinks at once when records are large', () => {
  const size = new BatchSize(500, 10_000)
  const records = (count: number, bytes: number) =>
    Array.from({ length: count }, () => ({ key: '', data: 'x'.repeat(bytes), offset: '', appendedAt: 0 }))
  expect(size.limit).toBe(64)
  size.note(records(64, 10))
  expect(size.limit).toBe(256)
  size.note(records(256, 10))
  expect(size.limit).toBe(500)
  size.note([])
  expect(size.limit).toBe(500)
  size.note(records(500, 1_000))
  expect(size.limit).toBe(10)
  size.note(records(10, 20_000))
  expect(size.limit).toBe(1)
})
