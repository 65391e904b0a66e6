/** A rule that is wrong must not scale to nothing, to infinity, or end the program. */
import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { viewOf, type GroupView, type ScalingRule } from '../../../src/server/scaling.ts'
import { slotStatus } from '../../../src/server/slot-status.ts'
import { WorkerGroup } from '../../../src/server/worker-group.ts'
import { captureLogger } from '../../../src/testing/index.ts'
import type { WorkerStatus } from '../../../src/worker/status.ts'
import { GroupWorker } from './group-worker.ts'
import { until } from '../../fixtures/until.ts'

const groups: WorkerGroup[] = []

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop()))
})

async function scaled(scaling: ScalingRule, options: object = {}) {
  const group = new WorkerGroup(GroupWorker, {
    ...{ name: 'g', logger: silentLogger, scaling, scaleEvery: 10, minReplicas: 1, maxReplicas: 3 },
    ...options,
  })
  groups.push(group)
  await group.start()
  return group
}

test('a rule is asked again and again, and gets what it wants within the limits', async () => {
  let wanted = 2
  const group = await scaled(() => wanted)
  await until(() => group.replicas === 2)
  wanted = 100
  await until(() => group.replicas === 3)
  wanted = -5
  await until(() => group.replicas === 1)
})

test.each([Number.NaN, 'many', undefined, {}])(
  'what is not a number (%s) changes nothing',
  async (answer) => {
    let asked = 0
    const group = await scaled(() => {
      asked++
      return answer as number
    })
    await until(() => asked > 2)
    expect(group.replicas).toBe(1)
  },
)

test.each([
  [Infinity, 1],
  [2.4, 2],
])('%d is taken as what it can be', async (answer, replicas) => {
  let asked = 0
  const group = await scaled(() => {
    asked++
    return answer
  })
  await until(() => asked > 3)
  expect(group.replicas).toBe(replicas)
})

test('a rule that throws is logged and asked again', async () => {
  const logger = captureLogger()
  let asked = 0
  const rule = (): number => {
    if (++asked < 3) throw new Error('no figures')
    return 2
  }
  const group = await scaled(rule, { logger })
  await until(() => group.replicas === 2)
  expect(logger.messages('error')).toEqual(Array(2).fill('scaling failed; it is tried again'))
})

test('one change is over before the rule is asked for the next', async () => {
  const gate = Promise.withResolvers<void>()
  let asked = 0
  const options = (slot: number): object => ({ setup: () => (slot === 0 ? undefined : gate.promise) })
  const group = await scaled(() => (asked++, 3), { options })
  await until(() => group.handles[1]?.state === 'starting')
  const before = asked
  const since = performance.now()
  await until(() => performance.now() - since > 50)
  expect(asked).toBe(before)
  gate.resolve()
  await until(() => group.replicas === 3 && asked > before)
})

test('a group that was stopped asks no more', async () => {
  let asked = 0
  const group = await scaled(() => (asked++, 2))
  await until(() => group.replicas === 2)
  await group.stop()
  const before = asked
  const since = performance.now()
  await until(() => performance.now() - since > 40)
  expect([asked, group.replicas]).toEqual([before, 2])
})

test('a rule sees what all workers do together', () => {
  const row = (queueSize: number, usage: WorkerStatus['usage']): WorkerStatus => ({
    ...{ name: 'a', id: '', state: 'running', isRunning: true, queueSize, processedCount: 2, errorCount: 1 },
    ...{ startedAt: 0, placement: 'thread', pid: 1, threadId: 1, restarts: 0, lastCause: undefined, usage },
  })
  const view: GroupView = viewOf([
    slotStatus(0, row(3, { cpuPercent: 40, memoryBytes: 1, utilization: 0.2 })),
    slotStatus(1, row(4, { cpuPercent: 60, memoryBytes: 1, utilization: 0.4 })),
    slotStatus(2, row(0, undefined)),
  ])
  expect(view).toMatchObject({ replicas: 3, queueSize: 7, processedCount: 6, errorCount: 3, cpuPercent: 50 })
  expect(view.utilization).toBeCloseTo(0.3)
  expect(viewOf([])).toMatchObject({ replicas: 0, cpuPercent: undefined, utilization: undefined })
})
