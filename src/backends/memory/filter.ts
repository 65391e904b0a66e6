import type { JobFilter, StepReport } from '../../queue/backend.ts'
import type { Entry } from './entry.ts'
import type { Shelf } from './shelf.ts'

/** The first jobs, in ascending `seq`, that meet every condition. */
export function matching(shelf: Shelf, filter: JobFilter): Entry[] {
  const found: Entry[] = []
  for (const entry of candidates(shelf, filter.ids)) {
    if (found.length >= filter.limit) break
    if (matches(entry, filter)) found.push(entry)
  }
  return found
}

/** Does something to the jobs that match, so many as the limit allows. */
export function step(shelf: Shelf, filter: JobFilter, act: (entry: Entry) => boolean): StepReport {
  // Looked up first: what is done to them must not disturb the search.
  const entries = matching(shelf, filter)
  const last = entries.at(-1)
  return {
    count: entries.filter(act).length,
    next: last === undefined || entries.length < filter.limit ? null : last.seq,
  }
}

function candidates(shelf: Shelf, ids: readonly string[] | undefined): Iterable<Entry> {
  if (ids === undefined) return shelf.entries.values()
  return [...new Set(ids)]
    .map((id) => shelf.entries.get(id))
    .filter((entry) => entry !== undefined)
    .sort((a, b) => a.seq - b.seq)
}

function matches(entry: Entry, filter: JobFilter): boolean {
  const { states, types, tags, error, finishedBefore, after } = filter
  return (
    (after === undefined || entry.seq > after) &&
    (states === undefined || states.includes(entry.state)) &&
    (types === undefined || types.includes(entry.type)) &&
    (tags === undefined || tags.every((tag) => entry.tags.includes(tag))) &&
    (error === undefined || entry.error?.code === error || entry.error?.name === error) &&
    (finishedBefore === undefined || (entry.finishedAt !== null && entry.finishedAt < finishedBefore))
  )
}
