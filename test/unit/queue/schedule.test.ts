import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import {
  createSchedule,
  dueTicks,
  MOST_MISSED,
  type Missed,
  type Schedule,
  type ScheduleOptions,
} from '../../../src/queue/schedule.ts'

/** The next `count` ticks after a time, as texts. */
function ticks(options: ScheduleOptions, after: string, count: number): string[] {
  const schedule = createSchedule(options)
  const found: string[] = []
  let at = Date.parse(after)
  for (let index = 0; index < count; index++) {
    at = schedule.next(at)!
    found.push(new Date(at).toISOString())
  }
  return found
}

const every = (ms: number): Schedule => createSchedule({ every: ms })
const time = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2060, 0, 1) })

describe('a schedule with an interval', () => {
  it('ticks on a grid counted from the epoch, so that all servers mean the same ticks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 10_000_000 }), time, (ms, after) => {
        const next = every(ms).next(after)!
        expect(next).toBeGreaterThan(after)
        expect(next - after).toBeLessThanOrEqual(ms)
        expect(next % ms).toBe(0)
      }),
    )
  })
})

describe('a schedule with a cron expression', () => {
  it.each(['* * * * *', '*/5 * * * * *', '0 3 * * 1-5', '30 2 * * *', '0 0 29 2 *'])(
    'of %s ticks later than asked for, and at the same tick for every moment before it',
    (cron) => {
      const schedule = createSchedule({ cron, timeZone: 'Europe/Berlin' })
      fc.assert(
        fc.property(time, (after) => {
          const next = schedule.next(after)!
          expect(next).toBeGreaterThan(after)
          expect(schedule.next(next - 1)).toBe(next)
          expect(schedule.next(Math.floor((after + next) / 2))).toBe(next)
        }),
        { numRuns: 50 },
      )
    },
  )

  it('is in UTC unless it says otherwise', () => {
    expect(ticks({ cron: '0 3 * * *' }, '2026-06-01T12:00:00Z', 1)).toEqual(['2026-06-02T03:00:00.000Z'])
    expect(ticks({ cron: '0 3 * * *', timeZone: 'Asia/Tokyo' }, '2026-06-01T12:00:00Z', 1)).toEqual([
      '2026-06-01T18:00:00.000Z',
    ])
  })

  it('takes six fields, seconds first', () => {
    expect(ticks({ cron: '*/20 * * * * *' }, '2026-01-01T00:00:05Z', 3)).toEqual([
      '2026-01-01T00:00:20.000Z',
      '2026-01-01T00:00:40.000Z',
      '2026-01-01T00:01:00.000Z',
    ])
  })

  it('keeps the hour of the day when summer time begins and ends', () => {
    const noon = { cron: '0 12 * * *', timeZone: 'Europe/Berlin' }
    expect(ticks(noon, '2026-03-28T00:00:00Z', 2)).toEqual([
      '2026-03-28T11:00:00.000Z',
      '2026-03-29T10:00:00.000Z',
    ])
    expect(ticks(noon, '2026-10-24T00:00:00Z', 2)).toEqual([
      '2026-10-24T10:00:00.000Z',
      '2026-10-25T11:00:00.000Z',
    ])
  })

  it('ticks once on the day that has no such hour, and once on the day that has it twice', () => {
    const night = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }
    const spring = ticks(night, '2026-03-28T12:00:00Z', 2)
    expect(spring[0]).toMatch(/^2026-03-29T01:[03]0/)
    expect(spring[1]).toBe('2026-03-30T00:30:00.000Z')
    const autumn = ticks(night, '2026-10-24T12:00:00Z', 2)
    expect(autumn[0]).toMatch(/^2026-10-25T0[01]:30/)
    expect(autumn[1]).toBe('2026-10-26T01:30:00.000Z')
  })

  it('goes on through the hour that comes twice, when it ticks more often', () => {
    const quarter = { cron: '*/30 * * * *', timeZone: 'Europe/Berlin' }
    expect(ticks(quarter, '2026-10-24T23:59:00Z', 5)).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ])
  })

  it('has no next tick when there is no such day', () => {
    expect(createSchedule({ cron: '0 0 30 2 *' }).next(Date.now())).toBeUndefined()
  })
})

describe('schedule options', () => {
  it.each([
    [{}, 'either every or cron'],
    [{ every: '1m', cron: '* * * * *' }, 'got: both'],
    [{ every: 999 }, 'at least one second'],
    [{ every: Number.NaN }, 'every'],
    [{ cron: 'every day' }, 'cron expression of five or six fields'],
    [{ cron: '61 * * * *' }, 'cron'],
    [{ cron: '* * * * *', timeZone: 'Europe/Atlantis' }, 'timeZone'],
  ])('%j are refused', (options, names) => {
    expect(() => createSchedule(options)).toThrow(InvalidOptionError)
    expect(() => createSchedule(options)).toThrow(names)
  })
})

describe('due ticks', () => {
  const due = (last: number, now: number, missed: Missed): ReturnType<typeof dueTicks> =>
    dueTicks(every(1000), last, now, missed)

  it('are none before the next one', () => {
    expect(due(5000, 5999, 'all')).toEqual({ run: [], skipped: 0, upTo: undefined })
    expect(due(9000, 5000, 'all')).toEqual({ run: [], skipped: 0, upTo: undefined })
  })

  it('are run when only one is due, whatever is to be done about missed ones', () => {
    for (const missed of ['skip', 'one', 'all'] as const) {
      expect(due(5000, 6900, missed)).toEqual({ run: [6000], skipped: 0, upTo: 6000 })
    }
  })

  it('are skipped, run once or all run when several are due', () => {
    expect(due(5000, 8100, 'skip')).toEqual({ run: [], skipped: 3, upTo: 8000 })
    expect(due(5000, 8100, 'one')).toEqual({ run: [8000], skipped: 2, upTo: 8000 })
    expect(due(5000, 8100, 'all')).toEqual({ run: [6000, 7000, 8000], skipped: 0, upTo: 8000 })
  })

  it('are accounted for: what passed is run or skipped, in order, and the schedule stands at the last', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.constantFrom<Missed>('skip', 'one', 'all'), (count, missed) => {
        const { run, skipped, upTo } = due(10_000, 10_000 + count * 1000 + 1, missed)
        expect(upTo).toBe(count === 0 ? undefined : 10_000 + count * 1000)
        expect([...run].toSorted((a, b) => a - b)).toEqual(run)
        if (missed === 'all') expect(run.length).toBe(Math.min(count, MOST_MISSED))
        if (missed === 'one') expect(run).toEqual(count === 0 ? [] : [upTo])
        if (missed === 'skip') expect(run.length).toBe(count === 1 ? 1 : 0)
        expect(skipped + run.length).toBeLessThanOrEqual(count)
        if (count <= MOST_MISSED) expect(skipped + run.length).toBe(count)
        else expect(skipped + run.length).toBeGreaterThan(0)
      }),
    )
  })

  it('are found soon after years without anyone', () => {
    const schedule = createSchedule({ cron: '* * * * * *' })
    const now = Date.UTC(2026, 5, 1, 12, 0, 0, 500)
    const { run, upTo } = dueTicks(schedule, Date.UTC(1999, 0, 1), now, 'all')
    expect(run.length).toBe(MOST_MISSED)
    expect(upTo).toBe(now - 500)
    expect(run[0]).toBe(now - 500 - (MOST_MISSED - 1) * 1000)
  })
})
