import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SilenceWatch } from '../../../src/queue/silence.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** A store whose calls take so long, or are cut off by a replacement of its connections. */
function slowStore(): { watch: SilenceWatch; call: (ms: number) => Promise<string>; replaced: number[] } {
  const replaced: number[] = []
  let cut = Promise.withResolvers<never>()
  cut.promise.catch(() => {})
  const watch = new SilenceWatch(
    {
      reconnect: () => {
        cut.reject(new Error('cut off'))
        cut = Promise.withResolvers<never>()
        cut.promise.catch(() => {})
      },
    },
    (forMs) => replaced.push(Math.round(forMs)),
  )
  const answer = (ms: number): Promise<string> =>
    new Promise((resolve) => {
      setTimeout(() => resolve('ok'), ms)
    })
  const call = (ms: number): Promise<string> =>
    watch.over(() => Promise.race([answer(ms), cut.promise])).catch(({ message }: Error) => message)
  return { watch, call, replaced }
}

describe('a store that does not answer', () => {
  it('is given new connections after five seconds, and the call is cut off', async () => {
    const { call, replaced } = slowStore()
    const asked = call(60_000)
    await pass(4_999)
    expect(replaced).toEqual([])
    await pass(2)
    expect(replaced).toEqual([5000])
    expect(await asked).toBe('cut off')
  })

  it('is not, for all its calls, as long as each is answered in time', async () => {
    const { call, replaced } = slowStore()
    for (let n = 0; n < 5; n++) {
      const asked = Promise.all([call(4_000), call(1)])
      await pass(4_000)
      expect(await asked).toEqual(['ok', 'ok'])
    }
    await pass(60_000)
    expect(replaced).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is given more and more time when that helps nobody', async () => {
    const { call, replaced } = slowStore()
    for (const patience of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      const asked = call(1e9)
      await pass(patience - 2)
      const before = replaced.length
      await pass(4)
      expect(replaced.length).toBe(before + 1)
      await asked
    }
  })

  it('is cut off once when it is merely slow, and then has the time that it takes', async () => {
    const { call, replaced } = slowStore()
    for (let n = 0; n < 10; n++) {
      const asked = call(7_000)
      await pass(7_000)
      await asked
    }
    expect(replaced).toHaveLength(1)
  })

  /** The event loop is blocked for so long: the clock goes on, the timers do not run. */
  function block(ms: number): void {
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
  }

  it('is not blamed when this event loop was blocked', async () => {
    const { call, replaced } = slowStore()
    const asked = call(4_990)
    await pass(500)
    block(6_000)
    await pass(4_490)
    expect([await asked, replaced]).toEqual(['ok', []])
  })

  it('is found out in time although this event loop was blocked for a moment', async () => {
    const { call, replaced } = slowStore()
    const asked = call(1e9)
    await pass(3_500)
    block(300)
    await pass(1_501)
    expect([await asked, replaced]).toEqual(['cut off', [5000]])
  })

  it('is found out in time, too, by a call that was made after the event loop was blocked', async () => {
    const { call, replaced } = slowStore()
    void call(900)
    await pass(500)
    block(60_000)
    const asked = call(1e9)
    await pass(5_501)
    expect([await asked, replaced]).toEqual(['cut off', [5000]])
  })

  it('has the time that a large call needs', async () => {
    const { watch, call, replaced } = slowStore()
    const large = watch.over(() => new Promise((resolve) => setTimeout(() => resolve('ok'), 12_000)), 10_000)
    await pass(12_000)
    expect([await large, replaced]).toEqual(['ok', []])
    const asked = call(1e9)
    await pass(5_001)
    expect([await asked, replaced]).toEqual(['cut off', [5000]])
  })

  it('is left alone when it has no connections to replace', async () => {
    const watch = new SilenceWatch({}, () => expect.unreachable())
    const asked = watch.over(() => new Promise<never>(() => {}))
    await pass(60_000)
    expect(vi.getTimerCount()).toBe(0)
    void asked
  })
})
