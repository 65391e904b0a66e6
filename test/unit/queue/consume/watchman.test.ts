import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import type { Backend, LookRequest } from '../../../../src/queue/backend.ts'
import { Upkeep } from '../../../../src/queue/consume/upkeep.ts'
import { watchmanOf } from '../../../../src/queue/consume/watchman.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { newJob } from '../../../../src/conformance/subject.ts'
import { wrapped } from '../wrapped-backend.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Openings of one store in which one at a time looks for all; each counts its looks. */
function fleet(size: number): { openings: (Backend & { looks: number })[]; deaf: () => void } {
  let leader = ''
  let until = 0
  let isDeaf = false
  const heards = new Set<() => void>()
  const openings = Array.from({ length: size }, () => {
    const store = memory()
    return Object.assign(store, {
      looks: 0,
      async look(this: { looks: number }, { looker, termMs }: LookRequest) {
        this.looks++
        if (leader !== looker && Date.now() < until) return false
        leader = looker
        until = Date.now() + termMs
        if (!isDeaf) for (const heard of heards) heard()
        return true
      },
      overhear(heard: () => void) {
        heards.add(heard)
        return () => void heards.delete(heard)
      },
    })
  })
  return { openings, deaf: () => (isDeaf = true) }
}

const ears = { silent: () => {} }
const unheard = (): void => {}
const looks = (openings: readonly { looks: number }[]): number[] => openings.map((each) => each.looks)
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

describe('the watchman of a store', () => {
  it('looks once for all workers of a backend object', async () => {
    const { backend, count } = wrapped()
    const ends = ['a', 'b', 'c'].map((queue) => watchmanOf(backend).guard(queue, unheard, ears))
    await vi.advanceTimersByTimeAsync(48_000)
    expect(count('look')).toBeGreaterThanOrEqual(9)
    expect(count('look')).toBeLessThanOrEqual(11)
    for (const end of ends) end()
    const before = count('look')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(count('look')).toBe(before)
  })

  it('looks for a whole fleet, once in 4.3 s', async () => {
    const { openings } = fleet(7)
    const ends = openings.map((each) => watchmanOf(each).guard('q', unheard, ears))
    await vi.advanceTimersByTimeAsync(43_000 + 5_000)
    expect(sum(looks(openings))).toBeLessThanOrEqual(12)
    expect(sum(looks(openings))).toBeGreaterThanOrEqual(10)
    for (const end of ends) end()
  })

  it('is replaced before a job has waited for 5 s, when it falls silent', async () => {
    const { openings } = fleet(7)
    const ends = new Map(openings.map((each) => [each, watchmanOf(each).guard('q', unheard, ears)]))
    await vi.advanceTimersByTimeAsync(20_000)
    const looker = openings.find((each) => each.looks > 1)!
    ends.get(looker)!()
    const before = sum(looks(openings))
    await vi.advanceTimersByTimeAsync(4_900)
    expect(sum(looks(openings))).toBe(before + 1)
    for (const end of ends.values()) end()
  })

  it('looks for itself when it hears of no looks', async () => {
    const { openings, deaf } = fleet(3)
    deaf()
    const ends = openings.map((each) => watchmanOf(each).guard('q', unheard, ears))
    await vi.advanceTimersByTimeAsync(24_500)
    for (const each of openings) expect(each.looks).toBeGreaterThanOrEqual(5)
    for (const end of ends) end()
  })

  it('hints to all when the store cannot be asked, and goes on', async () => {
    const { backend, interfere, count } = wrapped()
    interfere(async ({ operation }, next) => {
      if (operation === 'look') throw new Error('away')
      return next()
    })
    const hinted = vi.fn()
    const end = watchmanOf(backend).guard('q', hinted, ears)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(hinted.mock.calls.length).toBe(count('look'))
    expect(count('look')).toBeGreaterThanOrEqual(2)
    end()
  })
})

describe('upkeep', () => {
  const started = async (): Promise<{ upkeep: Upkeep; count: () => number; backend: Backend }> => {
    const { backend, count } = wrapped()
    const queue = new Queue('q', { backend })
    const options = { queue, leaseMs: 30_000, types: () => ['mail'], onReport: unheard, onError: unheard }
    const upkeep = new Upkeep(options)
    await upkeep.start()
    return { upkeep, backend, count: () => count('maintain') }
  }

  it('rests while no job waits and none is active', async () => {
    const { upkeep, count } = await started()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(count()).toBe(1)
    await upkeep.stop()
  })

  it('goes on within 0.5 s of a job that begins, for as long as one waits or is active', async () => {
    const { upkeep, backend, count } = await started()
    await vi.advanceTimersByTimeAsync(60_000)
    await backend.enqueue({ queue: 'q', jobs: [newJob({ id: 'one' })], maxLength: null })
    upkeep.begun()
    await vi.advanceTimersByTimeAsync(500)
    expect(count()).toBe(2)
    await vi.advanceTimersByTimeAsync(65_000)
    expect(count()).toBeGreaterThanOrEqual(12)
    await backend.cancel('q', ['one'], 0)
    await vi.advanceTimersByTimeAsync(6_250)
    const before = count()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(count()).toBe(before)
    await upkeep.stop()
  })

  it('does one step for any number of hints, within two seconds, when they are for nothing', async () => {
    const { upkeep, count } = await started()
    await vi.advanceTimersByTimeAsync(60_000)
    for (let n = 0; n < 10; n++) upkeep.stir()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(count()).toBe(2)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(count()).toBe(2)
    await upkeep.stop()
  })
})
