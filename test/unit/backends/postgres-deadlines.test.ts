import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deadlines } from '../../../src/backends/postgres/deadlines.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** Deadlines, and the names of those that were missed. */
function scene(): { begin: (name: string, ms: number) => () => void; missed: string[] } {
  const deadlines = new Deadlines()
  const missed: string[] = []
  return {
    begin: (name, ms) => {
      const one = deadlines.begin(ms, () => missed.push(name))
      return () => deadlines.met(one)
    },
    missed,
  }
}

test('each is missed at its time, and not when it was met', async () => {
  const { begin, missed } = scene()
  begin('late', 300)
  begin('later', 500)
  const meet = begin('met', 400)
  begin('soon', 100)
  await pass(99)
  expect(missed).toEqual([])
  await pass(2)
  expect(missed).toEqual(['soon'])
  meet()
  await pass(200)
  expect(missed).toEqual(['soon', 'late'])
  await pass(200)
  expect(missed).toEqual(['soon', 'late', 'later'])
  expect(vi.getTimerCount()).toBe(0)
})

test('one that passed while the event loop was blocked leaves time to read an answer that is there', async () => {
  const { begin, missed } = scene()
  const meet = begin('answered', 5_000)
  begin('not answered', 5_000)
  await pass(4_000)
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 6_000)
  await pass(1_100)
  expect(missed).toEqual([])
  meet()
  await pass(300)
  expect(missed).toEqual(['not answered'])
})

test('one is put off once, however busy the event loop is', async () => {
  const { begin, missed } = scene()
  begin('never answered', 1_000)
  const now = performance.now.bind(performance)
  let ahead = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  // Every look is late.
  await pass(900)
  ahead += 600
  await pass(200)
  expect(missed).toEqual([])
  ahead += 600
  await pass(300)
  expect(missed).toEqual(['never answered'])
})
