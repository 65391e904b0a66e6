import { setImmediate } from 'node:timers/promises'
import type { JobFilter, QueueStats, StepReport } from '../../queue/backend.ts'
import type { JobRecord, JobState } from '../../queue/job.ts'
import { wakesOf } from './answers.ts'
import { inChunks } from './chunks.ts'
import { entryOf } from './keys.ts'
import { recordOf } from './record.ts'
import { statsOf } from './reports.ts'
import type { Store } from './store.ts'

/** How many jobs one look at a queue shows. */
const WINDOW = 500

/** What of a filter a server need not know. */
function matches(job: JobRecord, filter: JobFilter, only: readonly JobState[]): boolean {
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
function placesOf(filter: JobFilter, only: readonly JobState[]): string {
  const states = only.filter((state) => filter.states?.includes(state) ?? true)
  const places = new Set(states.map((state) => (state === 'waiting' ? 'w' : state === 'active' ? 'a' : 'x')))
  return [...places].join('')
}

export async function stats(store: Store, queue: string): Promise<QueueStats> {
  const silence = store.quiet.empty(queue)
  if (silence !== undefined && (await store.wakes(queue)) === silence.wakes) return silence.stats
  const reply = await store.run('stats', queue, [])
  const found = statsOf(queue, reply)
  store.quiet.noteStats(found, wakesOf(reply))
  return found
}

/** What there is of these, by seq. */
export async function byId(store: Store, queue: string, ids: readonly string[]): Promise<JobRecord[]> {
  const found = await inChunks(ids, async (chunk) => {
    const reply = (await store.run('records', queue, chunk)) as (Buffer | null)[][]
    return reply.map((parts) => recordOf(queue, parts))
  })
  return found.sort((a, b) => a.seq - b.seq)
}

/** The first `limit` jobs that match, and where to go on: null when there are no more. */
export async function search(
  store: Store,
  filter: JobFilter,
  only: readonly JobState[],
): Promise<{ found: JobRecord[]; next: number | null }> {
  const { queue, limit } = filter
  const places = placesOf(filter, only)
  if (places === '' || limit <= 0) return { found: [], next: null }
  const found: JobRecord[] = []
  if (filter.ids !== undefined) {
    const jobs = await byId(store, queue, [...new Set(filter.ids)])
    for (const job of jobs) if (found.length < limit && matches(job, filter, only)) found.push(job)
    return { found, next: found.length < limit ? null : found.at(-1)!.seq }
  }
  for (let after: number | null = filter.after ?? 0; after !== null;) {
    const args = [String(after), String(WINDOW), places]
    const [window, next] = (await store.run('window', queue, args)) as [(Buffer | null)[][], Buffer]
    for (const parts of window) {
      const job = recordOf(queue, parts)
      if (matches(job, filter, only)) found.push(job)
      if (found.length === limit) return { found, next: job.seq }
    }
    after = next.length === 0 ? null : Number(next)
    await setImmediate()
  }
  return { found, next: null }
}

/** Looks for jobs that match and lets a script act on those that are still in one of these states. */
export async function sweep(
  store: Store,
  filter: JobFilter,
  from: readonly JobState[],
  script: 'replay' | 'purge',
): Promise<StepReport> {
  const { found, next } = await search(store, filter, from)
  const counts = await inChunks(found, async (chunk) => [
    (await store.run(script, filter.queue, chunk.map(entryOf))) as number,
  ])
  return { count: counts.reduce((sum, count) => sum + count, 0), next }
}
