import { Queue, type EventWorker, type Logger } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { z } from 'zod'

const match = z.object({
  path: z.string(),
  /** Where the line begins in its file, bytes. */
  offset: z.number(),
  line: z.string(),
  /** The line was longer than allowed; this is its beginning. */
  isCut: z.boolean(),
})

const jobs = { match }

export type Match = z.infer<typeof match>

/** The lines that matched: stored by the watchers, in their threads, and worked off in the main one. */
export function matchQueue(db: string, logger: Logger): Queue<typeof jobs> {
  // A job that is added again after a crash has the same id, and is dropped as long as the window is open.
  return new Queue('log-matches', { backend: sqlite(db), jobs, logger, dedupeWindow: '7d' })
}

/**
 * Prints each match as a line of JSON. Put here what should really happen: a mail, a ticket, a metric. What throws is
 * tried again; what runs twice after a crash has the same id.
 */
export function printer(queue: Queue<typeof jobs>, logger: Logger): EventWorker<typeof jobs> {
  return queue.worker(
    { match: (job) => console.log(JSON.stringify({ id: job.id, ...job.payload })) },
    // What a crash had in hand is printed by the next run after the lease.
    { name: 'printer', concurrency: 1, lease: '3s', logger },
  )
}
