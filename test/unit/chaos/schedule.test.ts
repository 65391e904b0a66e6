import { expect, test } from 'vitest'
import { strikes } from '../../../chaos/schedule.ts'
import { mixedWork } from '../../../chaos/work.ts'

test('a seed repeats its schedule and its work; another one has others', () => {
  const schedule = (seed: number) => strikes(seed, 'SIGKILL', 20, [400, 1000])
  expect(schedule(1)).toEqual(schedule(1))
  expect(schedule(1)).not.toEqual(schedule(2))
  expect(mixedWork(1, 50)).toEqual(mixedWork(1, 50))
  expect(mixedWork(1, 50)).not.toEqual(mixedWork(2, 50))
})

test('strikes come within the gap that was asked for, and aim at all processes alike', () => {
  const all = strikes(3, 'SIGTERM', 3000, [400, 1000])
  for (const { afterMs } of all) expect(afterMs >= 400 && afterMs <= 1000).toBe(true)
  const hits = [0, 0, 0]
  for (const { aim } of all) hits[Math.floor(aim * 3)]!++
  for (const count of hits) expect(count).toBeGreaterThan(900)
})
