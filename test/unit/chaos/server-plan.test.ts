/** A failure that cannot be had again cannot be mended. */
import { expect, test } from 'vitest'
import { FAULT_NAMES } from '../../../chaos/server/faults.ts'
import { planOf } from '../../../chaos/server/plan.ts'

const plans = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => planOf(seed, index))

test('a seed repeats its plans; another one has others', () => {
  expect(plans(1, 50)).toEqual(plans(1, 50))
  expect(plans(1, 50)).not.toEqual(plans(2, 50))
})

test('every fault comes once before any comes again, in an order of the seed', () => {
  const faults = plans(5, 2 * FAULT_NAMES.length).map(({ fault }) => fault)
  const [first, second] = [faults.slice(0, FAULT_NAMES.length), faults.slice(FAULT_NAMES.length)]
  expect(first.toSorted()).toEqual([...FAULT_NAMES].toSorted())
  expect(second.toSorted()).toEqual([...FAULT_NAMES].toSorted())
  expect(first).not.toEqual(second)
})

test('any run is the first of its own seed and fault', () => {
  for (const plan of plans(7, 30)) expect(planOf(plan.seed, 0, plan.fault)).toEqual(plan)
})

test('servers are large and small, with culprits of both kinds', () => {
  const all = plans(9, 200)
  for (const key of ['threads', 'processes', 'grouped', 'culprit', 'signal', 'other'] as const)
    expect(new Set(all.map((plan) => plan[key])).size, key).toBe(2)
})
