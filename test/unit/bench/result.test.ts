import { describe, expect, it } from 'vitest'
import { barsOf, barText, isMet } from '../../../bench/bars.ts'
import type { Case, Measurement } from '../../../bench/case.ts'
import { jsonLine, resultOf } from '../../../bench/result.ts'
import { rowsOf, tableText } from '../../../bench/table.ts'

const nothing = async (): Promise<number> => 0

const speed: Case = {
  name: 'process',
  about: 'Jobs.',
  unit: 'jobs/s',
  better: 'higher',
  jobs: { full: 1, quick: 1, 'warm-up': 0 },
  millhand: nothing,
  peers: { slow: nothing, fast: nothing },
}

function taken(figures: Readonly<Record<string, readonly number[]>>): Map<string, Measurement[]> {
  const entries = Object.entries(figures)
  return new Map(entries.map(([name, values]) => [name, values.map((value) => ({ value, notes: {} }))]))
}

const fast = taken({ millhand: [900.4, 1100, 1000.2], slow: [100, 90, 110], fast: [400, 500, 600] })

describe('the result of a case', () => {
  it('is one line of JSON with exactly these fields, and medians', () => {
    const line = jsonLine(resultOf('sqlite', speed, fast))
    expect(line).toBe(
      '{"suite":"sqlite","case":"process","unit":"jobs/s","millhand":1000,"peers":{"slow":100,"fast":500},"ratio":2.0004,"rounds":3}',
    )
  })

  it('compares with the best peer: the fastest', () => {
    expect(resultOf('sqlite', speed, fast).ratio).toBeCloseTo(2.0004)
  })

  it('compares with the best peer: the lowest, where lower is better', () => {
    const latency: Case = { ...speed, unit: 'ms', better: 'lower' }
    const result = resultOf('sqlite', latency, taken({ millhand: [2], slow: [8], fast: [4] }))
    expect(result.ratio).toBe(0.5)
  })

  it('compares with a note of its own runs where that is the yardstick', () => {
    const heap: Case = { ...speed, unit: 'MiB', better: 'lower', peers: {}, yardstick: 'heap before' }
    const runs = [1, 2, 3].map((value) => ({ value, notes: { 'heap before': 20 } }))
    const result = resultOf('memory', heap, new Map([['millhand', runs]]))
    expect(JSON.parse(jsonLine(result))).toMatchObject({
      millhand: 2,
      peers: { 'heap before': 20 },
      ratio: 0.1,
    })
  })

  it('is shown to people with spread and bar', () => {
    const text = tableText(rowsOf([resultOf('sqlite', speed, fast)]))
    expect(text).toContain('1,000 (900..1,100)')
    expect(text).toContain('slow: 100 (90..110), fast: 500 (400..600)')
    expect(text).toMatch(/2\.00 +>= 10 times +MISSED$/)
  })
})

describe('a bar', () => {
  it('of a ratio is met by what reaches it', () => {
    const bar = barsOf({ suite: 'sqlite', case: 'process' })[0]!
    const result = resultOf('sqlite', speed, taken({ millhand: [1000], fast: [100] }))
    expect(isMet(bar, result)).toBe(true)
    expect(isMet(bar, { ...result, ratio: 9.99 })).toBe(false)
  })

  it('of a latency is met by what does not exceed it', () => {
    const bar = barsOf({ suite: 'sqlite', case: 'latency-p99' })[0]!
    const latency: Case = { ...speed, name: 'latency-p99', unit: 'ms', better: 'lower' }
    const at = (ms: number) => resultOf('sqlite', latency, taken({ millhand: [ms], fast: [1] }))
    expect(barText(bar, at(1))).toBe('<= 5 ms')
    expect(isMet(bar, at(5))).toBe(true)
    expect(isMet(bar, at(5.01))).toBe(false)
  })

  it('of two figures is met when both are', () => {
    const latency: Case = { ...speed, name: 'latency-p99', unit: 'ms', better: 'lower' }
    const shown = (ms: number, peer: number): string =>
      tableText(rowsOf([resultOf('redis', latency, taken({ millhand: [ms], fast: [peer] }))]))
    expect(shown(5, 8)).toMatch(/<= 0\.7 times and <= 5 ms +met$/)
    expect(shown(5, 6)).toMatch(/MISSED$/)
    expect(shown(6, 60)).toMatch(/MISSED$/)
  })

  it('is not there for every case', () => {
    expect(barsOf({ suite: 'growth', case: 'payload' })).toEqual([])
  })
})
