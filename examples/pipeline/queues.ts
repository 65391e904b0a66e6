import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Queue, type Backend, type Logger } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { z } from 'zod'

/** A file that was found. */
const file = z.object({ path: z.string(), modifiedMs: z.number() })

/** Its text, and where that was read. */
const text = z.object({ ...file.shape, text: z.string(), fetchedBy: z.string() })

/** What there is to say about it. */
const statistics = z.object({
  ...file.shape,
  sha256: z.string(),
  bytes: z.int(),
  words: z.int(),
  distinctWords: z.int(),
  gzipBytes: z.int(),
  fetchedBy: z.string(),
  transformedBy: z.string(),
})

export type File = z.infer<typeof file>
export type Text = z.infer<typeof text>
export type Statistics = z.infer<typeof statistics>

/** How many items may be between two stages. When there are as many, the stage before waits. */
export const BETWEEN = { fetch: 64, transform: 16, save: 64 } as const

/** What a process had in hand that was killed goes to another after so long; renewed three times meanwhile. */
export const LEASE = '2s'

/** The queues, in the order in which items flow through them: each is named after the stage that it feeds. */
export type Queues = ReturnType<typeof createQueues>

/** Done items are kept for a day, with what became of them: `audit.ts` looks each up. */
export function createQueues(backend: Backend, logger: Logger) {
  const options = {
    ...{ backend, logger },
    whenFull: 'wait',
    fullTimeout: '2s',
    dedupeWindow: '1d',
    retention: { done: '1d' },
    retry: { maxRetries: 2, baseDelay: '100ms' },
  } as const
  return {
    fetch: new Queue('fetch', { ...options, maxLength: BETWEEN.fetch, jobs: { item: file } }),
    transform: new Queue('transform', { ...options, maxLength: BETWEEN.transform, jobs: { item: text } }),
    save: new Queue('save', { ...options, maxLength: BETWEEN.save, jobs: { item: statistics } }),
  }
}

/** The queues in a file, which every thread and process opens for itself; its folder is made when it is missing. */
export function openQueues(db: string, logger: Logger): { queues: Queues; close: () => Promise<void> } {
  mkdirSync(dirname(db), { recursive: true })
  const backend = sqlite(db)
  return { queues: createQueues(backend, logger), close: () => backend.close() }
}
