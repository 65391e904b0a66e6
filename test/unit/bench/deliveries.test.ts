import { describe, expect, it } from 'vitest'
import { Deliveries } from '../../../bench/deliveries.ts'

function delivered(expected: number, jobs: readonly number[]): Deliveries {
  const deliveries = new Deliveries()
  deliveries.expect(expected)
  for (const job of jobs) deliveries.mark(job)
  return deliveries
}

describe('the exactly-once check', () => {
  it('is content when each job came once, in any order', () => {
    expect(() => delivered(4, [3, 0, 2, 1]).verify()).not.toThrow()
  })

  it('catches a lost job and names it', () => {
    expect(() => delivered(4, [0, 1, 3]).verify()).toThrow(/1 were never delivered, such as job 2/)
  })

  it('catches a job that came twice and names it', () => {
    expect(() => delivered(4, [0, 1, 3, 2, 1]).verify()).toThrow(
      /1 were delivered more than once, such as job 1/,
    )
  })

  it('does not let a double make up for a loss', () => {
    expect(() => delivered(3, [0, 1, 1]).verify()).toThrow(
      /1 were never delivered.*; 1 were delivered more than once/,
    )
  })

  it('still knows a job that came 256 times', () => {
    expect(() => delivered(1, Array<number>(256).fill(0)).verify()).toThrow('more than once')
  })

  it('catches a job that nobody added', () => {
    expect(() => delivered(2, [0, 1, 2]).verify()).toThrow('1 deliveries were of jobs that were never added')
    expect(() => delivered(2, [0, 1, Number.NaN]).verify()).toThrow('never added')
  })

  it('allows for the jobs that are left in the store, but for no more and no fewer', () => {
    const deliveries = delivered(4, [0, 1])
    deliveries.left(2)
    expect(() => deliveries.verify()).not.toThrow()
    deliveries.left(1)
    expect(() => deliveries.verify()).toThrow('2 were never delivered (and 1 were to be left)')
    deliveries.left(3)
    expect(() => deliveries.verify()).toThrow('never delivered')
  })

  it('does not pass a contender that never said what it would do', () => {
    expect(() => new Deliveries().verify()).toThrow('none were expected')
  })
})
