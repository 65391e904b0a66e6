import { describe, expect, test } from 'vitest'
import { WorkerExitError } from '../../../../src/core/errors.ts'
import type { GroupView } from '../../../../src/server/scaling.ts'
import type { SlotStatus } from '../../../../src/server/slot-status.ts'
import { groupHealth } from '../../../../src/topic/mqtt/health.ts'
import { LoadMeter } from '../../../../src/topic/mqtt/load-meter.ts'
import { ResourceWatch } from '../../../../src/topic/mqtt/resource-watch.ts'
import { silentLogger } from '../../../../src/core/logger.ts'

function slot(id: number, more: Partial<SlotStatus> = {}): SlotStatus {
  return {
    ...{ id, name: `mqtt-${id}`, state: 'running', placement: 'process', pid: 100 + id, threadId: undefined },
    ...{ restarts: 0, lastCause: undefined, cpuPercent: 12.5, memoryBytes: 50_000_000, utilization: 0.1 },
    ...{ startedAt: 1_700_000_000_000, queueSize: 3, processedCount: 10, errorCount: 1 },
    ...more,
  }
}

describe('the health of a group', () => {
  test('tells of each worker who it is, whether it lives, and what it uses', () => {
    const health = groupHealth([slot(0), slot(1, { restarts: 2 })], () => undefined)
    expect(health).toMatchObject({ total: 2, active: 2 })
    expect(health.workers[1]).toEqual({
      ...{ id: 1, name: 'mqtt-1', pid: 101, alive: true, exitCode: null, status: 'running', restarts: 2 },
      ...{ cpuPercent: 12.5, memoryMB: 50, startedAt: new Date(1_700_000_000_000) },
      ...{ waiting: 3, processed: 10, failed: 1 },
    })
  })

  test('has the exit code of a dead one, and none for one that a signal ended', () => {
    const dead = [0, 1, 2, 3].map((id) => slot(id, { state: id === 3 ? 'stopped' : 'failed' }))
    const errors = [
      new WorkerExitError('', { exitCode: 7 }),
      new WorkerExitError('', { signal: 'SIGKILL' }),
      new Error('x'),
    ]
    const { active, workers } = groupHealth(dead, (id) => errors[id])
    expect(active).toBe(0)
    expect(workers.map(({ exitCode }) => exitCode)).toEqual([7, null, 1, 0])
    expect(workers.every(({ alive, pid }) => !alive && pid === undefined)).toBe(true)
  })
})

describe('a warning about resources', () => {
  const watch = (): ResourceWatch => new ResourceWatch({ warnPercent: 80, memoryBytes: 1000 })

  test('comes above 80 %, once, and again after a time below it', () => {
    const looked = watch()
    const at = (cpuPercent: number): unknown[] => looked.look([slot(0, { cpuPercent, memoryBytes: 1 })])
    expect(at(80)).toEqual([])
    expect(at(93)).toEqual([{ worker: 'mqtt-0', resource: 'cpu', percent: 93 }])
    expect(at(95)).toEqual([])
    expect(at(10)).toEqual([])
    expect(at(90)).toHaveLength(1)
  })

  test('comes for memory too, and for each worker', () => {
    const found = watch().look([
      slot(0, { memoryBytes: 900 }),
      slot(1, { memoryBytes: 100 }),
      slot(2, { cpuPercent: undefined, memoryBytes: undefined }),
    ])
    expect(found).toEqual([{ worker: 'mqtt-0', resource: 'memory', percent: 90 }])
  })
})

describe('the load of a group', () => {
  const view = (...processed: number[]): GroupView => ({
    ...{ replicas: processed.length, queueSize: 40, processedCount: 0, errorCount: 0 },
    ...{ cpuPercent: undefined, utilization: undefined },
    slots: processed.map((processedCount, id) => slot(id, { processedCount })),
  })

  test('is what waits here and there, and what was handled a second', async () => {
    const meter = new LoadMeter(() => Promise.resolve(1000), silentLogger)
    await meter.ask()
    expect(meter.measure(view(100, 100), 0)).toEqual({ depth: 1040, ratePerSecond: Infinity, workers: 2 })
    expect(meter.measure(view(150, 250), 10_000)).toEqual({ depth: 1040, ratePerSecond: 20, workers: 2 })
  })

  test('is not fooled by a worker that went, nor by one that counts from zero', () => {
    const meter = new LoadMeter(undefined, silentLogger)
    meter.measure(view(1000, 1000), 0)
    expect(meter.measure(view(1010), 1000).ratePerSecond).toBe(10)
    expect(meter.measure(view(5, 5), 2000).ratePerSecond).toBe(10)
  })

  test('goes on without a source that fails', async () => {
    let answer: () => number = () => 500
    const meter = new LoadMeter(() => answer(), silentLogger)
    await meter.ask()
    expect(meter.measure(view(0), 0).depth).toBe(540)
    answer = () => {
      throw new Error('gone')
    }
    await meter.ask()
    expect(meter.measure(view(0), 1).depth).toBe(40)
    answer = () => Number.NaN
    await meter.ask()
    expect(meter.measure(view(0), 2).depth).toBe(40)
  })
})
