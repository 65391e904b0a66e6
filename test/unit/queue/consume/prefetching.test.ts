import { describe, expect, it } from 'vitest'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { ClaimRequest, ClaimResult, ExchangeResult, Settlement } from '../../../../src/queue/backend.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const after = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

interface Slow {
  readonly queue: Queue
  /** What each claim asked for and how much it got, in order. */
  readonly claims: { limit: number; start: number; got: number }[]
  /** True when more was claimed than four handlers can run. */
  readonly ahead: () => boolean
  readonly starts: () => number
  /** How many trips are under way, and the most that were at a time. */
  readonly trips: () => number
  readonly mostTrips: () => number
  /** The jobs that were settled, in order. */
  readonly settled: string[]
  /** The most jobs that were claimed and not settled, as the store sees it. */
  readonly held: () => number
}

/** A store that takes 6 ms for each trip, so that claiming ahead of need is worth while. */
async function slow(jobs: number): Promise<Slow> {
  const wrap = wrapped()
  const claims: Slow['claims'] = []
  const settled: string[] = []
  let most = 0
  let trips = 0
  let mostTrips = 0
  wrap.interfere(async ({ operation, args }, next) => {
    if (!/claim|exchange|start|settle/.test(operation)) return next()
    if (++trips > mostTrips) mostTrips = trips
    if (/exchange|settle/.test(operation)) for (const { ref } of args[0] as Settlement[]) settled.push(ref.id)
    await after(3)
    const reply = await next()
    if (operation === 'claim' || operation === 'exchange') {
      most = Math.max(most, (await wrap.backend.stats('mail'))[0]!.counts.active)
    }
    await after(3)
    trips--
    if (operation === 'claim' || operation === 'exchange') {
      const { limit, start } = args.at(-1) as ClaimRequest
      const result = operation === 'claim' ? (reply as ClaimResult) : (reply as ExchangeResult).claimed
      claims.push({ limit, start, got: result.jobs.length })
    }
    return reply
  })
  const queue = new Queue('mail', { backend: wrap.backend })
  await queue.addMany(Array.from({ length: jobs }, (_, n) => ({ type: 'x', payload: n })))
  return {
    queue,
    claims,
    ahead: () => claims.some(({ limit }) => limit > 4),
    starts: () => wrap.count('start'),
    trips: () => trips,
    mostTrips: () => mostTrips,
    settled,
    held: () => most,
  }
}

describe.concurrent('claiming ahead of need', () => {
  it('begins when something was measured, is recorded as started with the claim, and has a limit', async () => {
    const { queue, claims, starts } = await slow(150)
    let running = 0
    let most = 0
    const handle = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await after(2)
      running--
    }
    const worker = queue.worker({ x: handle }, { concurrency: 4, logger })
    expect(await worker.drainOnce()).toMatchObject({ processed: 150, failed: 0 })
    expect(claims[0]).toMatchObject({ limit: 4, start: 4 })
    const largest = Math.max(...claims.map(({ limit }) => limit))
    expect(largest).toBeGreaterThan(4)
    // 50 ms of work by 4 handlers of about 2 ms each.
    expect(largest).toBeLessThanOrEqual(4 + 150)
    expect(claims.every(({ limit, start }) => start === limit)).toBe(true)
    expect(starts()).toBe(0)
    expect(most).toBe(4)
  })

  it('saves trips: handlers need not wait for each', async () => {
    const { queue, claims } = await slow(200)
    const worker = queue.worker({ x: () => after(2) }, { concurrency: 2, logger })
    await worker.drainOnce()
    // Without it, two jobs a trip: a hundred trips.
    expect(claims.filter(({ got }) => got > 0).length).toBeLessThan(70)
  })

  it('runs every job once', async () => {
    const { queue } = await slow(80)
    const seen: unknown[] = []
    const worker = queue.worker({ x: async (job) => { seen.push(job.payload); await after(1) } }, { concurrency: 2, logger }) // prettier-ignore
    await worker.drainOnce()
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 80 }, (_, n) => n))
  })

  it('lets a pause act on what is held: it is handed back, unharmed', async () => {
    const { queue, ahead } = await slow(2000)
    const worker = queue.worker({ x: () => after(3) }, { concurrency: 4, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(ahead)
    await queue.pause()
    await until(async () => (await queue.stats()).counts.active === 0)
    const done = events.outcomes().length
    await after(50)
    expect(events.outcomes().length).toBe(done)
    expect(events.outcomes().every((outcome) => outcome === 'done')).toBe(true)
    expect((await queue.list({ limit: 3000 })).every(({ attempt, crashes }) => attempt + crashes === 0)).toBe(
      true,
    )
    await queue.resume()
    await until(() => events.outcomes().length > done)
    await worker.stop()
    const { counts } = await queue.stats()
    expect(counts.active).toBe(0)
    expect(counts.waiting + worker.processedCount).toBe(2000)
  })

  it('hands back after a moment what cannot begin: others can have it', async () => {
    const { queue, ahead } = await slow(400)
    const gate = Promise.withResolvers<void>()
    let begun = 0
    const worker = queue.worker(
      { x: () => (++begun > 40 ? gate.promise : after(2)) },
      { concurrency: 4, logger },
    )
    await worker.start()
    await until(() => ahead() && begun >= 44)
    // All four places are taken for long; what was claimed ahead goes back within 250 ms and a trip.
    await until(async () => (await queue.stats()).counts.active === 4, { timeout: PROMPT_MS })
    gate.resolve()
    await worker.stop()
    expect((await queue.stats()).counts.active).toBe(0)
  })

  it('sends the next trip before the jobs of the last have begun: the store works while they run', async () => {
    const { queue, claims, trips } = await slow(4000)
    let running = 0
    let overlapped = 0
    const handle = (): void => {
      running++
      if (trips() > 0) overlapped++
    }
    const worker = queue.worker({ x: handle }, { concurrency: 4, logger })
    expect(await worker.drainOnce()).toMatchObject({ processed: 4000, failed: 0 })
    expect(running).toBe(4000)
    // All but those of the first claims, before anything was measured, and what a busy machine mixes up.
    expect(overlapped).toBeGreaterThan(1000)
    expect(Math.max(...claims.map(({ limit }) => limit))).toBeLessThanOrEqual(1000)
  })

  it('makes one trip at a time, and tells outcomes in the order in which they came', async () => {
    const { queue, mostTrips, settled } = await slow(3000)
    const ended: string[] = []
    const worker = queue.worker({ x: (job) => void ended.push(job.id) }, { concurrency: 4, logger })
    expect(await worker.drainOnce()).toMatchObject({ processed: 3000, failed: 0 })
    expect(mostTrips()).toBe(1)
    expect(settled).toEqual(ended)
  })

  it('is switched off by an option: no more is claimed than can run, and none before the last is settled', async () => {
    const { queue, claims, held } = await slow(60)
    const worker = queue.worker({ x: () => after(1) }, { concurrency: 2, prefetch: false, logger })
    expect(await worker.drainOnce()).toMatchObject({ processed: 60, failed: 0 })
    expect(claims.every(({ limit, start }) => limit <= 2 && start === limit)).toBe(true)
    expect(held()).toBeLessThanOrEqual(2)
  })

  it('cannot be switched off by anything but a boolean', () => {
    const queue = new Queue('mail', { backend: wrapped().backend })
    expect(() => queue.worker({ x: () => {} }, { prefetch: 0 as unknown as boolean })).toThrow(
      'expected prefetch to be true or false, got: 0',
    )
  })
})
