import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchGate, singleGate } from '../../../../src/queue/consume/gate.ts'
import { Isolation } from '../../../../src/queue/consume/isolation.ts'
import { Prefetch } from '../../../../src/queue/consume/prefetch.ts'

describe('the gate of single jobs', () => {
  it('never lets more run than its concurrency, nor fewer than it could', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(50),
        fc.nat(100),
        (concurrency, busy, collected) => {
          const running = Math.min(busy, concurrency)
          expect(singleGate(concurrency).admit(running, collected, 0)).toBe(
            Math.min(concurrency - running, collected),
          )
        },
      ),
    )
  })

  it('holds nothing back for longer than 250 ms', () => {
    expect(singleGate(5)).toMatchObject({
      capacity: 5,
      startsAtClaim: true,
      prefetches: true,
      maxHoldMs: 250,
    })
  })
})

describe('the gate of batches', () => {
  const gate = batchGate(() => 10, 1000)

  it('waits for a whole batch, but no longer than its patience', () => {
    expect(gate.admit(0, 9, 999)).toBe(0)
    expect(gate.admit(0, 10, 0)).toBe(10)
    expect(gate.admit(0, 3, 1000)).toBe(3)
    expect(gate.patienceMs).toBe(1000)
  })

  it('lets one batch run at a time, of its size at the most', () => {
    expect(gate.admit(1, 10, 5000)).toBe(0)
    expect(gate.admit(0, 25, 0)).toBe(10)
  })

  it('follows a size that changes', () => {
    let size = 2
    const adaptive = batchGate(() => size, 1000)
    expect(adaptive.admit(0, 2, 0)).toBe(2)
    size = 3
    expect(adaptive.admit(0, 2, 0)).toBe(0)
    expect(adaptive.capacity).toBe(3)
  })
})

describe('prefetch', () => {
  function measured(tripMs: number, jobMs: number): Prefetch {
    const prefetch = new Prefetch()
    prefetch.tripTook(tripMs)
    prefetch.jobTook(jobMs)
    return prefetch
  }

  it('is nothing before a trip and a job were measured', () => {
    const prefetch = new Prefetch()
    expect(prefetch.allowance(100)).toBe(0)
    prefetch.tripTook(10)
    expect(prefetch.allowance(100)).toBe(0)
    prefetch.jobTook(1)
    expect(prefetch.allowance(100)).toBeGreaterThan(0)
  })

  it('is nothing for a store that answers without a wait', () => {
    expect(measured(0.05, 1).allowance(100)).toBe(0)
  })

  it('is twice what is worked off during one trip', () => {
    expect(measured(10, 20).allowance(5)).toBe(5)
    expect(measured(10, 100).allowance(5)).toBe(1)
    expect(measured(10, 1000).allowance(5)).toBe(0)
  })

  it('is at least what makes a trip worth while, however fast the store is', () => {
    expect(measured(0.5, 5).allowance(100)).toBe(160)
    expect(measured(0.5, 1000).allowance(100)).toBe(0)
  })

  it('is never more than 50 ms of work, nor more than 2000 jobs', () => {
    const positive = fc.double({ min: 0.001, max: 100_000, noNaN: true })
    fc.assert(
      fc.property(positive, positive, fc.integer({ min: 1, max: 1000 }), (tripMs, jobMs, concurrency) => {
        const jobs = measured(tripMs, jobMs).allowance(concurrency)
        expect(jobs).toBeLessThanOrEqual(2000)
        expect(jobs).toBeGreaterThanOrEqual(0)
        expect((jobs * jobMs) / concurrency).toBeLessThanOrEqual(50 + 1e-6)
      }),
    )
  })

  it('is made up for when half of it is left, and for free places at any time', () => {
    const prefetch = measured(10, 1)
    expect(prefetch.allowance(10)).toBe(200)
    expect(prefetch.runsLow(100, 10)).toBe(true)
    expect(prefetch.wanted(0, 100, 10)).toBe(100)
    expect(prefetch.runsLow(101, 10)).toBe(false)
    expect(prefetch.wanted(0, 101, 10)).toBe(0)
    expect(prefetch.wanted(3, 101, 10)).toBe(3 + 99)
  })

  it('is claimed in steps that do not keep the store for long, free places at once', () => {
    const prefetch = measured(50, 0.001)
    expect(prefetch.wanted(5, 0, 100)).toBe(1000)
    expect(prefetch.wanted(1500, 0, 1500)).toBe(1500)
  })
})

describe('isolation', () => {
  it('goes on as usual while no suspect waits', () => {
    const isolation = new Isolation()
    expect(isolation.mode(0)).toBe('normal')
    expect(isolation.mode(3)).toBe('normal')
    expect(isolation.learn(false, false)).toBe(false)
  })

  it('finishes what is in hand, then claims the suspect, runs it alone and goes on', () => {
    const isolation = new Isolation()
    expect(isolation.learn(true, false)).toBe(true)
    expect(isolation.mode(3)).toBe('drain')
    expect(isolation.mode(0)).toBe('suspect')
    expect(isolation.learn(false, true)).toBe(false)
    expect(isolation.busy).toBe(true)
    expect(isolation.mode(1)).toBe('drain')
    expect(isolation.mode(0)).toBe('normal')
    expect(isolation.busy).toBe(false)
  })

  it('goes on at once when another worker took the suspect', () => {
    const isolation = new Isolation()
    isolation.learn(true, false)
    expect(isolation.learn(false, false)).toBe(true)
    expect(isolation.mode(2)).toBe('normal')
  })

  it('takes one suspect after the other', () => {
    const isolation = new Isolation()
    isolation.learn(true, false)
    isolation.learn(true, true)
    expect(isolation.mode(1)).toBe('drain')
    expect(isolation.mode(0)).toBe('suspect')
  })
})
