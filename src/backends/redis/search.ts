import type { JobFilter } from '../../queue/backend.ts'
import type { JobRecord, JobState } from '../../queue/job.ts'

/** What of a filter a server need not know. */
export function matches(job: JobRecord, filter: JobFilter, only: readonly JobState[]): boolean {
  const { states, types, tags, error, finishedBefore, after } = filter
  if (!only.includes(job.state) || (states !== undefined && !states.includes(job.state))) return false
  if (types !== undefined && !types.includes(job.type)) return false
  if (tags !== undefined && !tags.every((tag) => job.tags.includes(tag))) return false
  if (error !== undefined && job.error?.code !== error && job.error?.name !== error) return false
  if (finishedBefore !== undefined && !(job.finishedAt !== null && job.finishedAt < finishedBefore))
    return false
  return after === undefined || job.seq > after
}

/** Where jobs of these states are looked for: w(aiting), a(ctive), x for the others. Empty: nowhere. */
export function placesOf(filter: JobFilter, only: readonly JobState[]): string {
  const states = only.filter((state) => filter.states?.includes(state) ?? true)
  const places = new Set(states.map((state) => (state === 'waiting' ? 'w' : state === 'active' ? 'a' : 'x')))
  return [...places].join('')
}
