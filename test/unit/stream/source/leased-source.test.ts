import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { LeasedSource } from '../../../../src/stream/source/leased-source.ts'
import type { Assignment, SourceConsumer, SourceRecord } from '../../../../src/stream/source/source.ts'
import { type Faults, MemoryShards } from '../../../fixtures/stream/memory-shards.ts'
import { until } from '../../../fixtures/until.ts'

const LEASE_MS = 300
/** Where nobody is to lose one, however busy the machine is. */
const LONG_LEASE_MS = 10_000
const started: LeasedSource[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((source) => source.stop({ timeout: 0 })))
})

/** Who handled what, in the order in which it happened, by key. */
class Ledger {
  readonly handled = new Map<string, number[]>()

  note({ key, data }: SourceRecord): void {
    const list = this.handled.get(key) ?? []
    this.handled.set(key, list)
    list.push(Number(data))
  }

  /** Each number of a key comes first after the one before it, be it that some come again. */
  isInOrder(): boolean {
    return [...this.handled.values()].every((list) => {
      let last = 0
      return list.every((n) => n <= last || n === ++last)
    })
  }

  get repeated(): number {
    return [...this.handled.values()].reduce((sum, list) => sum + list.length - new Set(list).size, 0)
  }
}

class Process implements SourceConsumer {
  readonly source: LeasedSource
  readonly faults: Faults = {}
  readonly owned = new Set<number>()
  /** Handlers begin nothing while this is so. */
  isStuck = false
  readonly #ledger: Ledger
  readonly #handling = new Map<Assignment, Promise<void>>()

  constructor(server: MemoryShards, ledger: Ledger) {
    this.#ledger = ledger
    this.source = new LeasedSource('prices', (hints) => server.connect(hints, this.faults), {
      lease: server.leaseMs,
      pollEvery: 50,
      commitEvery: 5,
      batchSize: 7,
      batchBytes: 1_000,
    })
    started.push(this.source)
  }

  start(): Promise<void> {
    return this.source.start(this)
  }

  async assigned({ shard }: Assignment): Promise<void> {
    expect(this.owned).not.toContain(shard)
    this.owned.add(shard)
  }

  /** As a group does: what was accepted is handled later, in order. */
  async records(assignment: Assignment, records: readonly SourceRecord[]): Promise<void> {
    const before = this.#handling.get(assignment)
    this.#handling.set(assignment, this.#handle(assignment, records, before))
    await before
  }

  async #handle(
    assignment: Assignment,
    records: readonly SourceRecord[],
    before: Promise<void> | undefined,
  ): Promise<void> {
    await before
    for (const record of records) {
      while (this.isStuck && !assignment.signal.aborted) await sleep(1)
      if (!(await assignment.isHeld())) return
      this.#ledger.note(record)
      this.source.commit(assignment, record.offset)
    }
  }

  async gap(): Promise<void> {}

  async drain(assignment: Assignment): Promise<void> {
    await this.#handling.get(assignment)
  }

  removed(assignment: Assignment): void {
    this.owned.delete(assignment.shard)
    this.#handling.delete(assignment)
  }
}

function setUp(shards: number, leaseMs = LEASE_MS) {
  const server = new MemoryShards(shards, leaseMs)
  const ledger = new Ledger()
  const processes: Process[] = []
  const join = async (): Promise<Process> => {
    const process = new Process(server, ledger)
    processes.push(process)
    await process.start()
    return process
  }
  const numbers = new Map<string, number>()
  const append = (count: number, keys = 20): void => {
    for (let i = 0; i < count; i++) {
      const key = `key-${i % keys}`
      const n = (numbers.get(key) ?? 0) + 1
      numbers.set(key, n)
      server.append(key, String(n))
    }
  }
  const isShared = (...among: readonly Process[]): boolean => {
    const sizes = among.map(({ owned }) => owned.size)
    return sizes.reduce((sum, n) => sum + n, 0) === shards && Math.max(...sizes) - Math.min(...sizes) <= 1
  }
  /** Every number of every key was handled. */
  const isComplete = (): boolean =>
    [...numbers].every(([key, n]) => new Set(ledger.handled.get(key)).size === n)
  return { server, ledger, join, append, isShared, isComplete }
}

describe('processes that share a stream', () => {
  test('own its shards between them, and handle each message once while they come and go in order', async () => {
    const { server, ledger, join, append, isShared, isComplete } = setUp(8, LONG_LEASE_MS)
    append(200)
    const first = await join()
    const second = await join()
    append(200)
    await until(() => isShared(first, second))
    append(200)
    const third = await join()
    await until(() => isShared(first, second, third))
    append(200)
    await first.source.stop()
    await until(() => isShared(second, third))
    await second.source.stop()
    append(200)
    await until(() => server.isDone && isComplete())
    expect(ledger.isInOrder()).toBe(true)
    expect(ledger.repeated).toBe(0)
    expect(first.owned.size + second.owned.size).toBe(0)
    expect(server.refused).toEqual([])
  })

  test('take over from one that is not heard any more, whose late commits are refused', async () => {
    const { server, ledger, join, append, isShared, isComplete } = setUp(4)
    const [alive, gone] = [await join(), await join()]
    await until(() => isShared(alive, gone))
    const [lost] = [...gone.owned]
    gone.isStuck = true
    append(300)
    gone.faults.cut = 'before'
    await until(() => isShared(alive))
    await until(() => server.isDone && isComplete())
    expect(ledger.isInOrder()).toBe(true)
    // It knows by its own clock that it may own nothing.
    expect(gone.source.status().isHeld).toBe(false)
    gone.isStuck = false
    gone.faults.cut = undefined
    await until(() => isShared(alive, gone))
    expect(gone.source.status().owned.every(({ shard, token }) => shard !== lost || token > 4)).toBe(true)
    append(100)
    await until(() => server.isDone && isComplete())
    expect(ledger.isInOrder()).toBe(true)
  })

  test('do not take a shard away before what was read of it is done', async () => {
    const { server, ledger, join, append, isShared } = setUp(2, LONG_LEASE_MS)
    const first = await join()
    await until(() => isShared(first))
    first.isStuck = true
    append(40)
    await until(() => first.source.status().recordsRead > 0)
    const second = await join()
    // It is asked for one of them, by its next beat at the latest.
    await until(() => first.source.status().owned.some(({ state }) => state === 'draining'))
    await sleep(LEASE_MS)
    expect(second.owned.size).toBe(0)
    first.isStuck = false
    await until(() => isShared(first, second))
    await until(() => server.isDone)
    expect(ledger.isInOrder()).toBe(true)
    expect(ledger.repeated).toBe(0)
  })

  test('that stop with handlers that do not end leave the rest to the others', async () => {
    const { server, ledger, join, append, isShared, isComplete } = setUp(2)
    const first = await join()
    await until(() => isShared(first))
    first.isStuck = true
    append(40)
    await until(() => first.source.status().recordsRead > 0)
    await first.source.stop({ timeout: 20 })
    const second = await join()
    await until(() => server.isDone && isComplete())
    expect(ledger.isInOrder()).toBe(true)
    expect(second.owned.size).toBe(2)
  })

  test('find again what a lost reply had granted them', async () => {
    const { join, server, append, isShared, isComplete } = setUp(4)
    const first = await join()
    await until(() => isShared(first))
    first.faults.cut = 'after'
    const second = await join()
    // It gives up two of them, and does not hear that this was done; and the leases of the others run on.
    append(100)
    await sleep(LEASE_MS)
    first.faults.cut = undefined
    await until(() => isShared(first, second))
    await until(() => server.isDone && isComplete())
  })

  test('can be started again after a stop, and not twice', async () => {
    const { join, isShared } = setUp(2)
    const process = await join()
    await expect(process.start()).rejects.toThrow('expected the source prices to be stopped')
    await process.source.stop()
    await process.source.stop()
    expect(process.source.status().member).toBe('')
    await process.start()
    await until(() => isShared(process))
  })

  test('lose nothing and keep the order of each key, whatever befalls them', async () => {
    const act = fc.constantFrom('append', 'append', 'join', 'leave', 'cut', 'lose', 'mend', 'wait')
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 14 }), async (acts) => {
        const { server, ledger, join, append, isShared, isComplete } = setUp(6)
        let present: Process[] = [await join()]
        for (const [at, what] of acts.entries()) {
          const one = present[at % present.length]!
          if (what === 'append') append(60)
          if (what === 'join' && present.length < 4) present.push(await join())
          if (what === 'leave' && present.length > 1) {
            await one.source.stop({ timeout: 50 })
            present = present.filter((each) => each !== one)
          }
          if (what === 'cut') one.faults.cut = 'before'
          if (what === 'lose') one.faults.cut = 'after'
          if (what === 'mend') for (const { faults } of present) faults.cut = undefined
          if (what === 'wait') await sleep(LEASE_MS / 2)
          await sleep(5)
        }
        for (const { faults } of present) faults.cut = undefined
        append(60)
        await until(() => server.isDone && isComplete() && isShared(...present))
        expect(ledger.isInOrder()).toBe(true)
        await Promise.all(present.map(({ source }) => source.stop()))
      }),
      { numRuns: 5, endOnFailure: true },
    )
  }, 60_000)
})
