import { Queue, type Logger } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { z } from 'zod'

const jobs = { hash: z.object({ path: z.string() }) }

export type HashQueue = Queue<typeof jobs>

/** Files to hash. The main process adds them, the others work them off, and the store keeps the results for a day. */
export function hashQueue(db: string, logger: Logger): HashQueue {
  return new Queue('hashes', {
    backend: sqlite(db),
    jobs,
    logger,
    retry: { maxRetries: 2, baseDelay: '1s' },
    retention: { done: '1d', dead: '1d' },
    // A job whose result is gone can be added again at once.
    dedupeWindow: 0,
  })
}
