/** Readers of what is typed after an option. What they throw becomes wrong usage that names the option. */
import { InvalidArgumentError } from 'commander'
import { toMs } from '../core/duration.ts'
import { nearest } from '../core/options.ts'
import { JOB_STATES, type JobState } from '../queue/job.ts'

/** A whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= min) return value
    throw new InvalidArgumentError(`Expected an integer of at least ${min}.`)
  }
}

/** A time of day: `2026-03-01`, `2026-03-01T08:30` or with seconds; local time unless it says `Z` or `+01:00`. */
export function timeOfDay(text: string): Date {
  const match = /^(\d{4}-\d\d-(\d\d))(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(text)
  const [, date, day, time = '00:00', zone = ''] = match ?? []
  const value = new Date(`${date}T${time}${zone.toUpperCase()}`)
  // The 31st of February is taken for the 3rd of March otherwise.
  const exists = Number(day) <= 28 || new Date(`${date}T00:00Z`).getUTCDate() === Number(day)
  if (match !== null && Number.isFinite(value.getTime()) && exists) return value
  throw new InvalidArgumentError('Expected a time such as 2026-03-01T08:30 or 2026-03-01T08:30:00Z.')
}

/** A duration; a bare number is milliseconds, as it is in code. */
export function span(text: string): number {
  const duration = /^\d+$/.test(text) ? Number(text) : text
  try {
    return toMs(duration)
  } catch {
    throw new InvalidArgumentError(
      'Expected a duration of at most ten years, such as 250ms, 30s, 5m or 1h30m.',
    )
  }
}

/** An option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

/** States, separated by commas or given several times. */
export function states(text: string, before: readonly JobState[] = []): readonly JobState[] {
  const found = text.split(',').map((name) => {
    const state = JOB_STATES.find((known) => known === name.trim())
    if (state !== undefined) return state
    const guess = nearest(name, JOB_STATES)
    const hint = guess === undefined ? '' : ` Did you mean ${guess}?`
    throw new InvalidArgumentError(`Expected some of ${JOB_STATES.join(', ')}.${hint}`)
  })
  return [...before, ...found]
}
