import type { Cron } from 'croner'
import { builtin } from '../core/builtin.ts'
import { toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, show } from '../core/errors.ts'

/** What to do about ticks that passed while nobody was there: none of them, the last one, or all. */
export type Missed = 'skip' | 'one' | 'all'

export interface ScheduleOptions {
  /** A fixed interval, counted from the epoch, so that all servers mean the same ticks. At least one second. */
  readonly every?: Duration
  /** A cron expression of five fields, or six with seconds first. Takes the place of `every`. */
  readonly cron?: string
  /** The time zone of the cron expression, as `'Europe/Berlin'`. Default `'UTC'`. */
  readonly timeZone?: string
}

/** When something is due: pure, all times in ms since the epoch. */
export interface Schedule {
  /** The first tick after `after`; undefined when there is none any more. */
  next(after: number): number | undefined
}

/** @throws InvalidOptionError naming the option, for an expression, zone or interval that cannot be. */
export function createSchedule({ every, cron, timeZone = 'UTC' }: ScheduleOptions): Schedule {
  if ((every === undefined) === (cron === undefined)) {
    throw new InvalidOptionError(
      'schedule',
      `expected either every or cron to be given, got: ${every === undefined ? 'none' : 'both'}`,
    )
  }
  return cron === undefined ? interval(every!) : cronSchedule(cron, timeZone)
}

function interval(every: Duration): Schedule {
  const ms = toMs(every, 'every')
  if (ms < 1000)
    throw new InvalidOptionError('every', `expected every to be at least one second, got: ${show(every)}`)
  return { next: (after) => (Math.floor(after / ms) + 1) * ms }
}

function cronSchedule(expression: string, timeZone: string): Schedule {
  let cron: Cron
  try {
    cron = new (loadCroner().Cron)(expression, { timezone: timeZone, paused: true, mode: '5-or-6-parts' })
    cron.nextRun(new Date(0))
  } catch (error) {
    const isZone = !isTimeZone(timeZone)
    const [option, value] = isZone ? ['timeZone', timeZone] : ['cron', expression]
    const expected = isZone
      ? "a time zone such as 'Europe/Berlin'"
      : 'a cron expression of five or six fields'
    throw new InvalidOptionError(option, `expected ${option} to be ${expected}, got: ${show(value)}`, {
      cause: error,
    })
  }
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() }
}

/** When it is first needed: each thread of a worker loads this file, and hardly one has a cron expression. */
function loadCroner(): typeof import('croner') {
  return builtin.module.createRequire(import.meta.url)('croner') as typeof import('croner')
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

/** So many missed ticks are made up for at the most; what is older is skipped. */
export const MOST_MISSED = 1000

/** What is due at `now`, when the last tick was `last`. */
export interface Due {
  /** The ticks to run, oldest first; the last one is where the schedule then stands. */
  readonly run: readonly number[]
  /** Ticks that passed and are not run. */
  readonly skipped: number
  /** Where the schedule stands after this; undefined when nothing was due. */
  readonly upTo: number | undefined
}

/**
 * Which ticks to run. A tick counts as missed when the one after it is due as well.
 * @param last the last tick that was dealt with, or the time at which the schedule was first seen.
 */
export function dueTicks(schedule: Schedule, last: number, now: number, missed: Missed): Due {
  const { due, dropped } = newest(schedule, last, now)
  const upTo = due.at(-1)
  if (upTo === undefined) return { run: [], skipped: 0, upTo }
  const late = due.length - 1
  if (missed === 'all') return { run: due, skipped: dropped, upTo }
  // 'skip' runs the newest only while it is fresh: with nothing else missed, it is simply on time.
  if (missed === 'one' || late === 0) return { run: [upTo], skipped: late + dropped, upTo }
  return { run: [], skipped: due.length + dropped, upTo }
}

/** The newest ticks in `last < tick <= now`, at most MOST_MISSED; `dropped` is at least how many came before. */
function newest(schedule: Schedule, last: number, now: number): { due: number[]; dropped: number } {
  // Years of ticks may have passed. Counting through them all would take too long, so look back from now, twice
  // as far each time, until there are enough.
  for (let spanMs = MOST_MISSED * 1000; ; spanMs *= 2) {
    const from = Math.max(last, now - spanMs)
    const due = ticksBetween(schedule, from, now)
    if (from > last && due.length < MOST_MISSED) continue
    const cut = Math.max(0, due.length - MOST_MISSED)
    const before = from > last && (schedule.next(last) ?? now) <= from ? 1 : 0
    return { due: due.slice(cut), dropped: cut + before }
  }
}

function ticksBetween(schedule: Schedule, from: number, now: number): number[] {
  const ticks: number[] = []
  for (let tick = schedule.next(from); tick !== undefined && tick <= now; tick = schedule.next(tick)) {
    ticks.push(tick)
  }
  return ticks
}
