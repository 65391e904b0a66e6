import { afterEach, describe, expect, it } from 'vitest'
import { memorySnapshots, partitionOf, StreamGroup } from 'millhand/stream'
import type { SnapshotStore, StreamGroupOptions, StreamWorkerClass } from 'millhand/stream'
import { captureLogger } from 'millhand/testing'
import { rendezvous } from '../../src/stream/rendezvous.ts'
import { Emitting, Fragile } from '../fixtures/stream/bad-workers.ts'
import { Counter, type Count } from '../fixtures/stream/counter.ts'
import { until } from '../fixtures/until.ts'

const groups: StreamGroup[] = []

async function start(workerClass: StreamWorkerClass, options: StreamGroupOptions): Promise<StreamGroup> {
  const group = new StreamGroup(workerClass, {
    ...{ logger: captureLogger(), backoff: 10, maxBackoff: 50, healthyAfter: 50 },
    ...options,
  })
  groups.push(group)
  await group.start()
  return group
}

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: 10_000 })))
})

/** Sends numbers that count up for each key, at some thousands a second, until it is told to end. */
class Load {
  readonly sent = new Map<string, number>()
  readonly #group: StreamGroup
  readonly #keys = Array.from({ length: 500 }, (_, index) => `key ${index}`)
  #isOver = false
  readonly #run: Promise<void>

  constructor(group: StreamGroup) {
    this.#group = group
    this.#run = this.#send()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#run
  }

  /** What the workers have made of it. */
  async counts(): Promise<{ key: string; sent: number; count: Count }[]> {
    return Promise.all(
      [...this.sent].map(async ([key, sent]) => {
        const count = (await this.#group.query(key, undefined, { timeout: '20s' })) as Count
        return { key, sent, count }
      }),
    )
  }

  async #send(): Promise<void> {
    for (let at = 0; !this.#isOver;) {
      for (let some = 0; some < 50; some++) {
        const key = this.#keys[at++ % this.#keys.length]!
        const number = (this.sent.get(key) ?? 0) + 1
        this.sent.set(key, number)
        await this.#group.route(key, String(number))
      }
      await new Promise((resolve) => void setTimeout(resolve, 2))
    }
  }
}

/** Every key has all its messages in order, but for what it was told is missing. */
function expectNoSilentLoss(counts: readonly { key: string; sent: number; count: Count }[]): void {
  const wrong = counts.filter(({ sent, count }) => {
    // What was lost at the end is followed by no message that would show it.
    const isThere = count.last === sent || count.isGapped
    return !isThere || count.outOfOrder > 0 || count.missing > 0
  })
  expect(wrong).toEqual([])
}

/** Ends the worker of a slot as hard as that goes. */
function endHard(group: StreamGroup, slot: number): void {
  const status = group.handles[slot]!.status()
  if (status.placement === 'process' && status.pid !== undefined) process.kill(status.pid, 'SIGKILL')
  // A thread ends itself: with its messages, nothing is saved.
  else void group.route(keyOf(group, slot), 'crash')
}

const found = new Map<string, string>()

/** A key of its own, whose messages go to this slot. */
function keyOf(group: StreamGroup, slot: number): string {
  const id = `${group.replicas} ${slot}`
  const known = found.get(id)
  if (known !== undefined) return known
  const stats = owners(group.replicas)
  for (let index = 0; ; index++) {
    const key = `killer ${index}`
    if (stats[partitionOf(key)] !== slot) continue
    found.set(id, key)
    return key
  }
}

function owners(workers: number): Int32Array {
  return rendezvous(Array.from({ length: workers }, (_, slot) => slot))
}

describe.each(['thread', 'process'] as const)('workers of a stream that die under load, %s', (placement) => {
  it('are replaced: what was not done is done, and keys are told of what is lost', async () => {
    const group = await start(Counter, { workers: 2, placement, snapshotEvery: 100, maxCrashes: 1 })
    let recovered = 0
    group.streamEvents.on('recovered', () => void recovered++)
    const load = new Load(group)
    for (let crash = 1; crash <= 4; crash++) {
      endHard(group, crash % 2)
      await until(() => recovered >= crash)
      await until(() => group.isHealthy())
    }
    await load.end()
    await group.settled()
    expectNoSilentLoss(await load.counts())
  })

  it('in the middle of a hand-over cost nobody the order', async () => {
    const group = await start(Counter, { workers: 1, placement, snapshotEvery: 100, maxCrashes: 1 })
    const load = new Load(group)
    await until(() => load.sent.size === 500)
    for (const [workers, victim] of [
      [3, 0],
      [1, 2],
      [2, 1],
    ] as const) {
      const scaled = group.scale(workers)
      let moves = 0
      const off = group.streamEvents.on('moved', () => void moves++)
      await until(() => moves > 20)
      off()
      const pid = group.handles[victim]!.status().pid
      if (placement === 'process' && pid !== undefined && pid !== process.pid) process.kill(pid, 'SIGKILL')
      else void group.handles[victim]!.kill({ kind: 'deadline', error: new Error('on purpose') })
      await scaled
      expect(group.replicas).toBe(workers)
    }
    await load.end()
    await group.settled()
    expectNoSilentLoss(await load.counts())
  })

  it('of one message are not sent it for ever: it is skipped, and told', async () => {
    const logger = captureLogger()
    const group = await start(Fragile, { placement, maxCrashes: 2, logger })
    let poisoned = 0
    group.streamEvents.on('poison', () => void poisoned++)
    for (const text of ['1', '2', 'exit', '3']) await group.route('a', text)
    await until(() => poisoned === 1)
    const log = (await group.query('a', undefined, { timeout: '10s' })) as string[]
    expect(log.slice(-2)).toEqual(['gap:poison', '3'])
    expect(logger.messages('error').some((message) => message.includes('is skipped'))).toBe(true)
  })

  it('of a loop that never ends are found, ended and replaced', async () => {
    const group = await start(Fragile, {
      ...{ placement, maxCrashes: 1, stallThreshold: '1s', onStall: 'kill' },
    })
    for (const text of ['1', 'loop', '2']) await group.route('a', text)
    const log = (await group.query('a', undefined, { timeout: '20s' })) as string[]
    expect(log.slice(-2)).toEqual(['gap:poison', '2'])
  })

  it('that grow too large are recycled, with their states', async () => {
    // A thread counts its own memory, a process all of it.
    const group = await start(Fragile, { placement, maxMemory: placement === 'thread' ? '60MiB' : '190MiB' })
    const texts: string[] = []
    await until(async () => {
      for (let some = 0; some < 10; some++) {
        texts.push('grow')
        await group.route('a', 'grow')
      }
      await new Promise((resolve) => void setTimeout(resolve, 20))
      return group.status()[0]!.restarts > 0
    })
    expect(await group.query('a', undefined, { timeout: '10s' })).toEqual(texts)
  })

  it('emit again rather than never', async () => {
    const emitted: string[] = []
    const out = { route: (_key: string, data: string | Uint8Array) => void emitted.push(data as string) }
    const group = await start(Emitting, { placement, outputs: { out } })
    let killed = false
    for (let number = 1; number <= 3000; number++) {
      await group.route('a', String(number))
      if (number % 100 === 0) await new Promise((resolve) => void setTimeout(resolve, 1))
      if (number !== 1500) continue
      killed = true
      const { pid } = group.handles[0]!.status()
      if (placement === 'process') process.kill(pid!, 'SIGKILL')
      else void group.handles[0]!.kill({ kind: 'deadline', error: new Error('on purpose') })
    }
    await group.settled()
    expect(killed).toBe(true)
    expect(new Set(emitted).size).toBe(3000)
  })
})

describe('a saved state', () => {
  it('costs a key no gap when nothing was handled since', async () => {
    const store = memorySnapshots()
    let savedTo = 0
    const complete: SnapshotStore['complete'] = (run, partition, sequence) => {
      savedTo = Math.max(savedTo, sequence)
      return store.complete(run, partition, sequence)
    }
    const group = await start(Counter, {
      ...{ placement: 'process', snapshotEvery: 20, store: { ...store, complete } },
    })
    for (let number = 1; number <= 100; number++) await group.route('a', String(number))
    await until(() => savedTo === 100)
    let gaps: number | undefined
    group.streamEvents.on('recovered', (recovered) => {
      gaps = recovered.gaps
    })
    endHard(group, 0)
    await until(() => gaps !== undefined)
    expect(gaps).toBe(0)
    expect(await group.query('a')).toMatchObject({ last: 100, seen: 100, gaps: [] })
  })

  it('is there no longer without snapshots: each key is told', async () => {
    const group = await start(Counter, { placement: 'process', snapshots: false })
    await group.route('a', '1')
    await group.settled()
    endHard(group, 0)
    await until(() => group.status()[0]!.restarts === 1 && group.isHealthy())
    await group.route('a', '2')
    expect(await group.query('a')).toMatchObject({ last: 2, gaps: ['crash'] })
  })
})
