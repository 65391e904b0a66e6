import type { StoredJob } from 'millhand'
import type { Queues } from './queues.ts'
import type { Fate } from './step.ts'

type StageName = keyof Queues

/** What became of items. They are `saved`, ended on purpose, dead letters of a stage, or, which must not be, lost. */
export interface Verdict {
  readonly items: number
  readonly saved: number
  readonly filtered: Readonly<Record<StageName, number>>
  readonly dead: Readonly<Record<StageName, number>>
  readonly lost: number
}

/** Follows each item from stage to stage, by its id, in the store: no counter is believed. */
export async function audit(ids: readonly string[], queues: Queues): Promise<Verdict> {
  const filtered = { fetch: 0, transform: 0, save: 0 }
  const dead = { fetch: 0, transform: 0, save: 0 }
  let [saved, lost] = [0, 0]
  let left: readonly string[] = [...new Set(ids)]
  const items = left.length
  for (const stage of ['fetch', 'transform', 'save'] as const) {
    const passed: string[] = []
    const jobs = await find(queues[stage], left)
    for (const id of left) {
      const job = jobs.get(id)
      const fate = job?.state === 'done' ? (job.result as Fate) : undefined
      if (fate === 'passed') passed.push(id)
      else if (fate === 'filtered') filtered[stage]++
      else if (fate === 'saved') saved++
      else if (job?.state === 'dead') dead[stage]++
      else lost++
    }
    left = passed
  }
  return { items, saved, filtered, dead, lost }
}

const AT_A_TIME = 100

async function find(queue: Queues[StageName], ids: readonly string[]): Promise<Map<string, StoredJob>> {
  const found = new Map<string, StoredJob>()
  for (let from = 0; from < ids.length; from += AT_A_TIME) {
    const jobs = await queue.list({ ids: ids.slice(from, from + AT_A_TIME), limit: AT_A_TIME })
    for (const job of jobs) found.set(job.id, job)
  }
  return found
}
