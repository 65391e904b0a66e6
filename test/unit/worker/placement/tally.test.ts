import { expect, test } from 'vitest'
import { Tally } from '../../../../src/worker/placement/tally.ts'

const USAGE = { cpuPercent: 1, memoryBytes: 2, utilization: 0.5 }

test('what was done adds up over all lives; what waits and what is used are of the present one', () => {
  const tally = new Tally()
  expect(tally.totals).toEqual({ queueSize: 0, processedCount: 0, errorCount: 0 })
  tally.begin()
  tally.note({ queueSize: 5, processedCount: 10, errorCount: 1 }, USAGE)
  expect(tally.usage).toBe(USAGE)
  tally.end()
  expect(tally.usage).toBeUndefined()
  tally.begin()
  expect(tally.totals).toEqual({ queueSize: 0, processedCount: 10, errorCount: 1 })
  tally.note({ queueSize: 2, processedCount: 3, errorCount: 0 }, undefined)
  tally.note({ queueSize: 1, processedCount: 4, errorCount: 0 }, undefined)
  expect(tally.totals).toEqual({ queueSize: 1, processedCount: 14, errorCount: 1 })
})
