/** Were a slot touched that should not be, its work would stop while others come and go. */
import { afterEach, describe, expect, test } from 'vitest'
import { ShutdownError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { WorkerGroup } from '../../../src/server/worker-group.ts'
import type { WorkerGroupOptions } from '../../../src/server/worker-group-options.ts'
import { captureLogger } from '../../../src/testing/index.ts'
import { GroupWorker, type Plan } from './group-worker.ts'
import { until } from '../../fixtures/until.ts'

const groups: WorkerGroup<Plan>[] = []

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: 100 })))
})

function group(options: WorkerGroupOptions<Plan> = {}): WorkerGroup<Plan> {
  const made = new WorkerGroup<Plan>(GroupWorker, {
    ...{ name: 'g', logger: silentLogger, backoff: 1, maxBackoff: 1 },
    ...options,
  })
  groups.push(made)
  return made
}

const ids = (of: WorkerGroup<Plan>): string[] => of.handles.map(({ id }) => id)
const running = (of: WorkerGroup<Plan>): number => of.handles.filter(({ isRunning }) => isRunning).length

describe('a group', () => {
  test('starts its replicas, each in a numbered slot with a name', async () => {
    const g = group({ replicas: 3 })
    await g.start()
    expect(g.status()).toMatchObject([
      { id: 0, name: 'g-0', state: 'running', restarts: 0, placement: 'inline', cpuPercent: undefined },
      { id: 1, name: 'g-1', state: 'running' },
      { id: 2, name: 'g-2', state: 'running' },
    ])
    await g.stop()
    expect([running(g), g.isAlive]).toEqual([0, false])
  })

  test('gives each slot its own options', async () => {
    const seen: number[] = []
    const g = group({ replicas: 3, options: (slot) => ({ setup: () => void seen.push(slot) }) })
    await g.start()
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  })

  test('starts once when asked twice, again after a stop, and stops before a start', async () => {
    let setups = 0
    const g = group({ replicas: 2, options: { setup: () => void setups++ } })
    await g.stop()
    await Promise.all([g.start(), g.start()])
    expect(setups).toBe(2)
    await Promise.all([g.stop(), g.stop()])
    await g.start()
    expect([setups, running(g)]).toEqual([4, 2])
  })

  test('that cannot start rejects, with all of it stopped, and can be started when that is mended', async () => {
    let isBroken = true
    const broke = new Error('no disk')
    const g = group({
      ...{ replicas: 3, intensity: 1 },
      options: (slot) => ({
        setup: () => {
          if (slot === 1 && isBroken) throw broke
        },
      }),
    })
    await expect(g.start()).rejects.toBe(broke)
    expect([running(g), g.isAlive]).toEqual([0, false])
    isBroken = false
    await g.start()
    expect(running(g)).toBe(3)
  })

  test('can be stopped while it starts', async () => {
    const g = group({ replicas: 2, options: { setup: (worker) => void worker.signal } })
    const slow = group({ name: 'slow', options: { setup: () => new Promise(() => {}) } })
    const started = slow.start()
    const rejected = expect(started).rejects.toThrow(ShutdownError)
    await slow.stop({ timeout: 20 })
    await rejected
    const quick = g.start()
    await Promise.all([expect(quick).rejects.toThrow(ShutdownError), g.stop()])
    expect(running(g)).toBe(0)
  })

  test('kills what does not stop within the timeout of a stop', async () => {
    const g = group({ options: { drain: () => new Promise(() => {}) } })
    await g.start()
    await g.stop({ timeout: 10 })
    expect(g.status()[0]?.state).toBe('stopping')
  })

  test('starts a worker that fails again, in its slot, and leaves the others alone', async () => {
    const g = group({ replicas: 2 })
    await g.start()
    const [, second] = ids(g)
    g.handles[0]!.send(new Error('broke'))
    await until(() => g.status()[0]?.restarts === 1 && running(g) === 2)
    expect(g.status()[0]).toMatchObject({ id: 0, name: 'g-0', lastCause: { message: 'broke' } })
    expect(ids(g)[1]).toBe(second)
  })

  test('gives one up that fails too often, says so, and goes on with the others', async () => {
    const logger = captureLogger()
    const failed: string[] = []
    const g = group({ replicas: 2, intensity: 0, logger })
    g.events.on('failed', ({ worker, error }) => void failed.push(`${worker}: ${error.message}`))
    await g.start()
    g.handles[1]!.send(new Error('broke'))
    await until(() => failed.length > 0)
    expect(failed).toEqual(['g-1: broke'])
    expect(logger.messages('error').at(-1)).toBe(
      'worker g-1 failed and is given up: group g goes on without it',
    )
    expect([g.isAlive, running(g)]).toEqual([true, 1])
  })

  test('has ended when all of its workers have', async () => {
    const g = group({ replicas: 2 })
    await g.start()
    await Promise.all(g.handles.map((handle) => handle.stop()))
    await g.ended()
    expect(g.isAlive).toBe(false)
  })
})

describe('scaling a group', () => {
  test('adds at the lowest free slots and takes from the highest, one at a time, and touches no other', async () => {
    const steps: string[] = []
    const g = group({ replicas: 2, maxReplicas: 5 })
    g.events.on('scaled', ({ from, to }) => void steps.push(`${from} to ${to}`))
    await g.start()
    const before = ids(g)
    await g.scale(4)
    expect(g.status().map(({ id }) => id)).toEqual([0, 1, 2, 3])
    expect(ids(g).slice(0, 2)).toEqual(before)
    await g.scale(1)
    expect(ids(g)).toEqual(before.slice(0, 1))
    expect(steps).toEqual(['2 to 3', '3 to 4', '4 to 3', '3 to 2', '2 to 1'])
    await g.scale(2)
    expect(g.status()[1]).toMatchObject({ id: 1, name: 'g-1', restarts: 0 })
  })

  test('waits for a slot to drain before the next is asked', async () => {
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const g = group({ replicas: 3, options: (slot) => ({ drain: () => gates[slot]!.promise }) })
    await g.start()
    const scaled = g.scale(1)
    await until(() => g.handles[2]?.state === 'stopping')
    expect(g.handles[1]!.isRunning).toBe(true)
    gates[2]!.resolve()
    await until(() => g.replicas === 2 && g.handles[1]?.state === 'stopping')
    for (const gate of gates) gate.resolve()
    await scaled
    expect([g.replicas, running(g)]).toEqual([1, 1])
  })

  test('one that cannot start is taken away again, and the others do not notice', async () => {
    const broke = new Error('no more licences')
    const g = group({
      ...{ replicas: 2, intensity: 0 },
      options: (slot) => ({
        setup: () => {
          if (slot === 2) throw broke
        },
      }),
    })
    await g.start()
    const before = ids(g)
    await expect(g.scale(4)).rejects.toBe(broke)
    expect(ids(g)).toEqual(before)
    expect(running(g)).toBe(2)
  })

  test('down to a slot that waits to be started again does not wait for that', async () => {
    const g = group({ replicas: 2, backoff: '1m', maxBackoff: '1m' })
    await g.start()
    g.handles[1]!.send(new Error('broke'))
    await until(() => g.handles[1]?.state === 'failed')
    await g.scale(1)
    expect([g.replicas, running(g)]).toEqual([1, 1])
  })

  test('is cut short by a stop, and leaves nobody behind', async () => {
    const g = group({
      options: (slot) => ({ setup: () => (slot === 0 ? undefined : new Promise(() => {})) }),
    })
    await g.start()
    const scaled = expect(g.scale(3)).rejects.toThrow(ShutdownError)
    await until(() => g.handles[1]?.state === 'starting')
    await Promise.all([g.stop({ timeout: 20 }), scaled])
    expect(running(g)).toBe(0)
  })

  test('before the start only says how many there will be', async () => {
    const g = group()
    await g.scale(3)
    expect(g.status().map(({ state }) => state)).toEqual(['new', 'new', 'new'])
    await g.start()
    expect(running(g)).toBe(3)
  })

  test.each([0, 6, 1.5, Number.NaN, Infinity])('to %d is refused by its limits', async (n) => {
    const g = group({ maxReplicas: 5 })
    expect(() => g.scale(n)).toThrow(`expected replicas of group g to be an integer from minReplicas 1 to`)
    expect(() => group({ maxReplicas: 5, replicas: n })).toThrow(/expected replicas/)
    await g.stop()
  })

  test('has limits that agree', () => {
    expect(() => group({ minReplicas: 3, maxReplicas: 2 })).toThrow('at most maxReplicas (2), got: 3')
    expect(() => group({ replicsa: 2 } as never)).toThrow('did you mean "replicas"')
    expect(() => group({ options: 5 as never })).toThrow('expected options to be')
  })
})

describe('replacing and quieting a group', () => {
  test('a reload replaces one after the other, each ready before the next is touched', async () => {
    const counts: number[] = []
    const g: WorkerGroup<Plan> = group({
      replicas: 3,
      options: { setup: () => void counts.push(running(g)) },
    })
    await g.start()
    counts.length = 0
    const before = ids(g)
    await g.reload()
    expect(counts).toEqual([3, 3, 3])
    expect(ids(g).some((id) => before.includes(id))).toBe(false)
    expect(g.status()).toMatchObject([{ restarts: 1 }, { restarts: 1 }, { restarts: 1 }])
  })

  test('with `replace` the old one of a slot ends before the new one is made', async () => {
    const counts: number[] = []
    const g: WorkerGroup<Plan> = group({
      ...{ replicas: 2, reload: 'replace' },
      options: { setup: () => void counts.push(running(g)) },
    })
    await g.start()
    counts.length = 0
    await g.reload()
    expect(counts).toEqual([1, 1])
  })

  test('a reload whose new worker is not ready is given up, and all old ones go on', async () => {
    let lives = 0
    const broke = new Error('bad deploy')
    const g = group({
      replicas: 2,
      options: {
        setup: () => {
          if (++lives > 2) throw broke
        },
      },
    })
    await g.start()
    const before = ids(g)
    await expect(g.reload()).rejects.toBe(broke)
    expect([ids(g), running(g), lives]).toEqual([before, 2, 3])
  })

  test('a quiet group stays quiet when it grows, until it is resumed', async () => {
    const workers: GroupWorker[] = []
    const g = group({ options: { setup: (worker) => void workers.push(worker) } })
    await g.start()
    g.quiet()
    await g.scale(2)
    await g.reload()
    expect(workers).toHaveLength(4)
    expect(workers.slice(2).map(({ isQuiet }) => isQuiet)).toEqual([true, true])
    g.resume()
    expect(workers.slice(2).map(({ isQuiet }) => isQuiet)).toEqual([false, false])
  })
})
