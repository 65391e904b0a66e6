import { describe, expect, test } from 'vitest'
import { usageMeter } from '../../../../src/worker/placement/usage-meter.ts'

describe.each(['thread', 'process'] as const)('the usage of a %s', (placement) => {
  test('counts what was done since the last look', async () => {
    const usage = usageMeter(placement)
    // Of the clock of the CPU, not of the wall: other programs may have the machine meanwhile.
    const from = process.cpuUsage()
    while (process.cpuUsage(from).user < 40_000);
    const busy = usage()
    await new Promise((resolve) => setTimeout(resolve, 60))
    const idle = usage()
    expect(busy.cpuPercent).toBeGreaterThan(idle.cpuPercent)
    expect(busy.memoryBytes).toBeGreaterThan(1_000_000)
    for (const { utilization } of [busy, idle]) {
      expect(utilization).toBeGreaterThanOrEqual(0)
      expect(utilization).toBeLessThanOrEqual(1)
    }
  })

  test('can be looked at twice at once', () => {
    const usage = usageMeter(placement)
    usage()
    const { cpuPercent, utilization } = usage()
    expect([Number.isFinite(cpuPercent), Number.isFinite(utilization)]).toEqual([true, true])
  })
})
