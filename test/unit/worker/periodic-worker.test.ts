import { afterEach, describe, expect, test, vi } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { recordEvents } from '../../../src/testing/index.ts'
import { PeriodicWorker } from '../../../src/worker/periodic-worker.ts'

class Ticker extends PeriodicWorker<{ work?: (self: Ticker) => void | Promise<void> }> {
  readonly at: number[] = []

  override async run(): Promise<void> {
    this.at.push(performance.now())
    await this.options.work?.(this)
  }

  nap(ms: number): Promise<boolean> {
    return this.sleep(ms)
  }
}

function fakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime', 'performance', 'Date'] })
}
const busy = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

afterEach(() => {
  vi.useRealTimers()
})

describe('a periodic worker', () => {
  test('runs at once and then on its grid, without drift over days, however long the runs take', async () => {
    fakeTime()
    const begin = performance.now()
    const worker = new Ticker({ intervalSeconds: 3600, logger: silentLogger, work: () => busy(137) })
    await worker.start()
    await vi.advanceTimersByTimeAsync(10 * 86_400_000 - 1)
    expect(worker.at.map((at) => at - begin)).toEqual(
      Array.from({ length: 240 }, (_, hour) => hour * 3_600_000),
    )
    expect([worker.processedCount, worker.missedRuns]).toEqual([240, 0])
    await worker.stop()
  })

  test('never overlaps; runs missed are left out and counted', async () => {
    fakeTime()
    const begin = performance.now()
    let running = 0
    const worker = new Ticker({
      intervalSeconds: 1,
      logger: silentLogger,
      work: async () => {
        expect(++running).toBe(1)
        await busy(2500)
        running--
      },
    })
    const events = recordEvents(worker)
    await worker.start()
    await vi.advanceTimersByTimeAsync(6100)
    expect(worker.at.map((at) => at - begin)).toEqual([0, 3000, 6000])
    expect(worker.missedRuns).toBe(4)
    expect(events.of('tick').map(({ missed }) => missed)).toEqual([0, 2, 2])
    const stopped = worker.stop()
    await vi.advanceTimersByTimeAsync(3000)
    await stopped
  })

  test('survives a run that throws, counts and emits it', async () => {
    fakeTime()
    let runs = 0
    const worker = new Ticker({
      intervalSeconds: 1,
      logger: silentLogger,
      work: () => {
        if (++runs === 1) throw new Error('first time')
      },
    })
    const events = recordEvents(worker)
    await worker.start()
    await vi.advanceTimersByTimeAsync(1500)
    expect(worker.status()).toMatchObject({ processedCount: 1, errorCount: 1, isRunning: true })
    expect(events.of('error')).toMatchObject([{ worker: worker.name, error: { message: 'first time' } }])
    await worker.stop()
    expect(worker.state).toBe('stopped')
  })

  test('stops at once between runs, and a run that minds the signal is no error', async () => {
    const idle = new Ticker({ intervalSeconds: 3600, logger: silentLogger })
    await idle.start()
    await idle.stop()
    expect(idle.at).toHaveLength(1)

    const waiting = new Ticker({
      intervalSeconds: 1,
      logger: silentLogger,
      work: async (self) => {
        await self.nap(3_600_000)
        self.signal.throwIfAborted()
      },
    })
    await waiting.start()
    await waiting.stop()
    expect(waiting.status()).toMatchObject({ state: 'stopped', errorCount: 0 })
  })

  test('leaves out runs while it is quiet, counts none of them as missed, and keeps its grid', async () => {
    fakeTime()
    const begin = performance.now()
    const worker = new Ticker({ intervalSeconds: 1, logger: silentLogger })
    const events = recordEvents(worker)
    await worker.start()
    await vi.advanceTimersByTimeAsync(1500)
    worker.quiet()
    await vi.advanceTimersByTimeAsync(5000)
    worker.resume()
    await vi.advanceTimersByTimeAsync(1000)
    expect(worker.at.map((at) => at - begin)).toEqual([0, 1000, 7000])
    expect([worker.missedRuns, worker.processedCount]).toEqual([0, 3])
    expect(events.of('tick').map(({ missed }) => missed)).toEqual([0, 0, 0])
    await worker.stop()
  })

  test('can be given its interval by a subclass', () => {
    class Hourly extends PeriodicWorker {
      constructor() {
        super({ intervalSeconds: 3600, name: 'hourly' })
      }
      override run(): void {}
    }
    expect(new Hourly().options.intervalSeconds).toBe(3600)
  })

  test.each([undefined, 0, -1, Number.NaN, Infinity, '5'])('refuses an interval of %s', (intervalSeconds) => {
    expect(() => new Ticker({ intervalSeconds } as never)).toThrow(InvalidOptionError)
    expect(() => new Ticker({ intervalSeconds } as never)).toThrow('expected intervalSeconds to be')
  })
})
