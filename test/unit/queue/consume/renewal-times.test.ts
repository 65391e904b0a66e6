import { describe, expect, it } from 'vitest'
import { RenewalTimes } from '../../../../src/queue/consume/renewal-times.ts'

const LEASE_MS = 1_000

describe('RenewalTimes', () => {
  it('knows of no renewal at first', () => {
    const times = new RenewalTimes(LEASE_MS)
    expect(times.renewedAt).toBe(-Infinity)
    expect(times.lapsedUntil).toBe(-Infinity)
  })

  it('counts no claim as lapsed while renewals come within a lease of each other', () => {
    const times = new RenewalTimes(LEASE_MS)
    times.renewed(5_000, 5_010)
    const before = times.lapsedUntil
    times.renewed(5_500, 5_999)
    expect(times.renewedAt).toBe(5_500)
    expect(times.lapsedUntil).toBe(before)
  })

  it('counts what was claimed a lease before the first renewal as lapsed', () => {
    const times = new RenewalTimes(LEASE_MS)
    times.renewed(5_000, 5_010)
    expect(times.lapsedUntil).toBe(4_010)
  })

  it('keeps in mind that a lease lapsed when the process was stopped between two renewals', () => {
    const times = new RenewalTimes(LEASE_MS)
    times.renewed(5_000, 5_010)
    times.renewed(8_000, 8_010)
    times.renewed(8_300, 8_310)
    expect(times.lapsedUntil).toBe(7_010)
  })

  it('and when it was stopped in the middle of one, which reached the store after that', () => {
    const times = new RenewalTimes(LEASE_MS)
    times.renewed(5_000, 5_010)
    times.renewed(5_300, 8_010)
    expect(times.renewedAt).toBe(5_300)
    expect(times.lapsedUntil).toBe(7_010)
  })

  it('is seen by another thread that has its memory, and goes on from another', () => {
    const times = new RenewalTimes(LEASE_MS)
    new RenewalTimes(LEASE_MS, times.memory).renewed(5_000, 5_010)
    const next = new RenewalTimes(LEASE_MS)
    next.begin(times)
    expect(next.renewedAt).toBe(5_000)
    expect(next.lapsedUntil).toBe(4_010)
    next.begin(undefined)
    expect(next.renewedAt).toBe(-Infinity)
  })
})
