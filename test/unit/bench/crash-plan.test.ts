import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crashPlan } from '../../../bench/loads/pool/crash-plan.ts'

// Lost otherwise: the trust that the case `crashes` meets a crash everywhere, and the same ones in each run.
describe('the plan of crashes', () => {
  it('has one crash in each row of tasks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer(),
        (rows, every, seed) => {
          const places = [...crashPlan(rows * every, every, seed).keys()]
          expect(places.map((place) => Math.floor(place / every))).toEqual([...Array(rows).keys()])
        },
      ),
    )
  })

  it('is the same each time', () => {
    expect(crashPlan(100_000, 500)).toEqual(crashPlan(100_000, 500))
    expect(crashPlan(100_000, 500, 2)).not.toEqual(crashPlan(100_000, 500))
  })

  it('puts crashes at many places of their rows, of both kinds', () => {
    const plan = crashPlan(100_000, 500)
    expect(new Set([...plan.keys()].map((place) => place % 500)).size).toBeGreaterThan(100)
    expect(new Set(plan.values())).toEqual(new Set(['exit', 'throw']))
  })

  it('leaves out the rest of a row that is not whole', () => {
    expect(crashPlan(499, 500).size).toBe(0)
  })
})
