import { describe, expect, it } from 'vitest'
import { byRoom, costOf, pointsOf, shown } from '../../../bench/report/figures.ts'
import { page } from '../../../bench/report/page.ts'
import type { Result } from '../../../bench/result.ts'

const flat = (value: number) => ({ median: value, min: value, max: value })

const process: Result = {
  suite: 'sqlite',
  case: 'process',
  about: 'No-op jobs.',
  unit: 'jobs/s',
  label: 'Millhand',
  millhand: { median: 120_000, min: 110_000, max: 130_000 },
  peers: { plainjob: flat(10_000) },
  ratio: 12,
  rounds: 5,
  notes: { p50: 2 },
}
const feature: Result = {
  ...process,
  suite: 'features',
  case: 'validation-sqlite',
  millhand: flat(100_000),
  peers: { 'plain path': flat(125_000) },
}
const growth: Result = {
  ...process,
  suite: 'growth',
  case: 'processes',
  label: '2',
  millhand: flat(150_000),
  peers: { '1': flat(100_000) },
}
const profiles = {
  sqlite: [
    { place: 'queue/queue', share: 0.6 },
    { place: 'queue/codec', share: 0.3 },
    { place: '(garbage collector)', share: 0.095 },
    { place: 'core/id', share: 0.005 },
  ],
}

describe('the page of figures', () => {
  const text = page(
    { suites: [process], profiles, features: [feature], growth: [growth] },
    ['Machine: a small one.'],
    'full',
  )

  it('says how they were taken', () => {
    expect(text).toContain('- Machine: a small one.')
    expect(text).toContain('median of 5 rounds')
  })

  it('shows each case with its bar', () => {
    expect(text).toContain(
      '| process | jobs/s | 120,000 (110,000..130,000) | plainjob: 10,000 | 12.0 | >= 10 times | met |',
    )
  })

  it('says what else was noted', () => {
    expect(text).toContain("**process**: No-op jobs. Here Millhand's p50 2 jobs/s.")
  })

  it('shows where time goes, room by room', () => {
    expect(text).toContain('| queue | 90.0 % |')
  })

  it('shows what a feature costs a job', () => {
    expect(costOf(feature)).toBeCloseTo(2)
    expect(text).toContain('| validation | sqlite | 100,000 | 125,000 | 2.00 |')
  })

  it('shows growth against the first point', () => {
    expect(text).toContain('| 2 | 150,000 | 6.7 | 1.50 |')
  })

  it('warns when it is made of a quick run', () => {
    const quick = page({ suites: [process], profiles, features: [], growth: [] }, [], 'quick')
    expect(quick).toContain('quick run')
    expect(text).not.toContain('quick run')
  })
})

describe('the figures of charts', () => {
  it('put Millhand before its peers, and its own series in order', () => {
    expect(pointsOf(process).map(({ name }) => name)).toEqual(['Millhand', 'plainjob'])
    expect(pointsOf(growth).map(({ name }) => name)).toEqual(['1', '2'])
  })

  it('lose no share of the time', () => {
    for (const slices of [shown(profiles.sqlite), byRoom(profiles.sqlite)]) {
      expect(slices.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    }
    expect(shown(profiles.sqlite).at(-1)).toEqual({ place: '(1 others)', share: 0.005 })
  })
})
