/** Real threads and processes in a group: were the wrong one touched, its work would be interrupted. */
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { WorkerGroup } from '../../src/server/worker-group.ts'
import { InProcess, InThread, type PlacedOptions } from '../fixtures/server/placed.ts'
import { isRunning } from '../fixtures/server/running.ts'
import { until } from '../fixtures/until.ts'

const groups: WorkerGroup<PlacedOptions>[] = []

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: '2s' })))
})

describe.each([
  ['threads', InThread],
  ['processes', InProcess],
] as const)('a group of %s', (_what, workerClass) => {
  function group(options: object = {}): WorkerGroup<PlacedOptions> {
    const made = new WorkerGroup<PlacedOptions>(workerClass, {
      ...{ name: 'g', replicas: 2, maxReplicas: 4, logger: silentLogger, options: { plan: 'works' } },
      ...{ backoff: 0, stallThreshold: 1000, env: { QUIET: '1' }, ...options },
    })
    groups.push(made)
    return made
  }
  const places = (of: WorkerGroup<PlacedOptions>) =>
    of.status().map(({ id, name, pid, threadId }) => `${id} ${name} ${pid} ${threadId}`)

  test('grows and shrinks at its end only: the others keep their thread or process', async () => {
    const g = group()
    await g.start()
    const before = places(g)
    await g.scale(4)
    expect(places(g).slice(0, 2)).toEqual(before)
    expect(new Set(places(g)).size).toBe(4)
    await g.scale(1)
    expect(places(g)).toEqual(before.slice(0, 1))
    expect(g.status()[0]).toMatchObject({ state: 'running', restarts: 0 })
  })

  test('shows what each of them uses, since when, and how often and why it came back', async () => {
    const g = group({ options: (slot: number) => ({ plan: slot === 1 ? 'throws' : 'works' }) })
    const since = Date.now()
    await g.start()
    await until(() => g.status()[1]?.restarts === 1 && g.handles[1]?.isRunning)
    await until(() => g.status().every(({ memoryBytes }) => memoryBytes !== undefined))
    const [first, second] = g.status()
    expect(second).toMatchObject({
      restarts: 1,
      lastCause: { message: 'g-1 threw in a timer' },
      cpuPercent: expect.any(Number),
      utilization: expect.any(Number),
    })
    expect(first).toMatchObject({ restarts: 0, lastCause: undefined })
    expect(first!.memoryBytes).toBeGreaterThan(1_000_000)
    expect(first!.startedAt).toBeGreaterThanOrEqual(since)
  })

  test('that shrinks while one waits to come back is not held up by that', async () => {
    const plans = (slot: number) => ({ plan: slot === 1 ? 'fails' : 'works' })
    const g = group({ backoff: '1m', maxBackoff: '1m', options: plans })
    await g.start()
    await until(() => g.status()[1]?.state === 'failed')
    await g.scale(1)
    expect(g.status()).toMatchObject([{ id: 0, state: 'running' }])
  })

  test('kills one that does not hear, when it is taken away', async () => {
    const plans = (slot: number) => ({ plan: slot === 1 ? 'deaf' : 'works' })
    const g = group({ stopTimeout: 100, options: plans })
    await g.start()
    const kills: string[] = []
    g.handles[1]!.events.on('killed', ({ cause }) => void kills.push(cause.kind))
    await g.scale(1)
    expect(kills).toEqual(['deadline'])
    expect(g.status()).toMatchObject([{ id: 0, state: 'running' }])
  })
})

test('a stop leaves no process behind, also of those that do not hear it', async () => {
  const group = new WorkerGroup<PlacedOptions>(InProcess, {
    ...{ name: 'g', replicas: 2, logger: silentLogger, env: { QUIET: '1' } },
    options: (slot) => ({ plan: slot === 0 ? 'deaf' : 'works' }),
  })
  await group.start()
  const pids = group.status().map(({ pid }) => pid!)
  await group.stop({ timeout: 200 })
  expect(group.isAlive).toBe(false)
  await until(async () => !(await Promise.all(pids.map(isRunning))).some(Boolean))
})
