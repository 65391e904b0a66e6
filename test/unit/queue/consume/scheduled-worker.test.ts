import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../../src/core/clock.ts'
import { InvalidOptionError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import {
  ScheduledWorker,
  type ScheduledWorkerOptions,
} from '../../../../src/queue/consume/scheduled-worker.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { PROMPT_MS, until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const NOON = Date.UTC(2026, 5, 1, 12)

class Ticks extends ScheduledWorker {
  readonly runs: number[]
  readonly #task: (tick: Date) => unknown

  constructor(
    options: Partial<ScheduledWorkerOptions>,
    runs: number[] = [],
    task: (tick: Date) => unknown = () => {},
  ) {
    super({ name: 'sync', logger, ...options } as ScheduledWorkerOptions)
    this.runs = runs
    this.#task = task
  }

  override executeTask(tick: Date): unknown {
    this.runs.push(tick.getTime() - NOON)
    return this.#task(tick)
  }
}

/** A store whose clock stands `beforeMs` before a minute; the worker waits no longer than that between looks. */
function storeAt(beforeMs: number): { clock: FakeClock; backend: ReturnType<typeof memory> } {
  const clock = new FakeClock(NOON - beforeMs)
  return { clock, backend: memory({ clock }) }
}

describe.concurrent('a scheduled worker', () => {
  it('runs its task at each tick, and says so', async () => {
    const { clock, backend } = storeAt(10)
    const worker = new Ticks({ backend, every: '1m' })
    const events = recordEvents(worker)
    await worker.start()
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    expect(worker.runs).toEqual([])
    clock.advance(10)
    await until(() => worker.runs.length === 1)
    expect(worker.runs).toEqual([0])
    expect(events.of('tick')).toEqual([{ worker: 'sync', tick: NOON, missed: 0 }])
    await worker.stop()
  })

  it('runs by a cron expression in a time zone', async () => {
    const { clock, backend } = storeAt(10)
    const worker = new Ticks({ backend, cron: '0 14 * * *', timeZone: 'Europe/Berlin' })
    await worker.start()
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    clock.advance(10)
    await until(() => worker.runs.length === 1)
    expect(worker.runs).toEqual([0])
    await worker.stop()
  })

  it('runs each tick once, however many workers share the store', async () => {
    const { clock, backend } = storeAt(10)
    const runs: number[] = []
    const workers = Array.from({ length: 4 }, () => new Ticks({ backend, every: '1m' }, runs))
    await Promise.all(workers.map((worker) => worker.start()))
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    clock.advance(10)
    await until(() => runs.length > 0)
    // The others have looked by now as well: they look every 10 ms, and then wait for the next minute.
    await until(() => workers.reduce((sum, worker) => sum + worker.processedCount, 0) === 1)
    await Promise.all(workers.map((worker) => worker.stop()))
    expect(runs).toEqual([0])
  })

  it.each([
    ['skip', [], 3],
    ['one', [180_000], 2],
    ['all', [60_000, 120_000, 180_000], 0],
  ] as const)('with missed: %s makes up for missed ticks so', async (missed, expected, skipped) => {
    const { clock, backend } = storeAt(0)
    await backend.advanceSchedule({ queue: 'schedule.sync', name: 'sync', from: null, to: NOON, jobs: [] })
    clock.advance(3 * 60_000 + 500)
    const worker = new Ticks({ backend, every: '1m', missed })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('tick').length === 1 && worker.runs.length === expected.length)
    expect(worker.runs).toEqual(expected)
    expect(worker.missedRuns).toBe(skipped)
    await worker.stop()
  })

  it('survives a task that throws: the run is a dead letter, and the next tick comes', async () => {
    const { clock, backend } = storeAt(10)
    const worker = new Ticks({ backend, every: '1s' }, [], () => {
      throw new Error('no network')
    })
    await worker.start()
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    clock.advance(10)
    await until(() => worker.errorCount === 1)
    clock.advance(1000)
    await until(() => worker.errorCount === 2)
    expect(worker.isRunning).toBe(true)
    await worker.stop()
    expect(
      (await new Queue('schedule.sync', { backend }).dead.list()).map(({ payload }) => payload.error),
    ).toEqual(['no network', 'no network'])
  })

  it('survives a store that is away at a tick', async () => {
    const clock = new FakeClock(NOON - 10)
    const { backend, interfere } = wrapped({ clock })
    const worker = new Ticks({ backend, every: '1m' })
    const events = recordEvents(worker)
    interfere(({ operation }, next) =>
      operation === 'readSchedule' ? Promise.reject(new Error('nobody answers')) : next(),
    )
    await worker.start()
    await until(() => events.of('error').length === 1)
    interfere(undefined)
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    clock.advance(10)
    await until(() => worker.runs.length === 1)
    await worker.stop()
  })

  it('does not wait out its sleep when it is stopped', async () => {
    const { backend } = storeAt(30_000)
    const worker = new Ticks({ backend, every: '1m' })
    await worker.start()
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick !== null)
    const before = performance.now()
    await worker.stop()
    expect(performance.now() - before).toBeLessThan(PROMPT_MS)
  })

  it('goes on when the clock of the store was ahead by a year and has been set right', async () => {
    const { clock, backend } = storeAt(10)
    const ahead = NOON + 365 * 86_400_000
    await backend.advanceSchedule({ queue: 'schedule.sync', name: 'sync', from: null, to: ahead, jobs: [] })
    const worker = new Ticks({ backend, every: '1m' })
    await worker.start()
    await until(async () => (await backend.readSchedule('schedule.sync', 'sync')).tick! < ahead)
    clock.advance(10)
    await until(() => worker.runs.length === 1)
    expect(worker.runs).toEqual([0])
    await worker.stop()
  })

  it('runs no tick twice when the clock goes back over it', async () => {
    const { clock, backend } = storeAt(10)
    const worker = new Ticks({ backend, every: '1s', missed: 'one' })
    const stands = async (): Promise<number | null> =>
      (await backend.readSchedule('schedule.sync', 'sync')).tick
    await worker.start()
    await until(async () => (await stands()) !== null)
    clock.advance(10)
    await until(() => worker.runs.length === 1)
    clock.jump(-61_000)
    await until(async () => (await stands())! < NOON)
    clock.advance(61_000)
    await until(async () => (await stands()) === NOON)
    await worker.stop()
    expect(worker.runs).toEqual([0])
    expect((await backend.stats('schedule.sync'))[0]?.counts.waiting).toBe(0)
  })

  const backend = memory()
  it.each([
    [{ backend }, 'either every or cron'],
    [{ backend, every: 10 }, 'at least one second'],
    [{ backend, cron: 'hourly' }, 'cron'],
    [{ backend, cron: '* * * * *', timeZone: 'Mars/Base' }, 'timeZone'],
    [{ backend, every: '1m', missed: 'al' }, "did you mean 'all'?"],
    [{ every: '1m' }, 'backend'],
    [{ backend, every: '1m', name: 'a b' }, 'name'],
    [{ backend, every: '1m', queue: 'x' }, 'queue'],
    [{ backend, evry: '1m' }, 'did you mean "every"?'],
  ])('refuses the options %#', (options, names) => {
    expect(() => new Ticks(options as object)).toThrow(InvalidOptionError)
    expect(() => new Ticks(options as object)).toThrow(names)
  })
})
