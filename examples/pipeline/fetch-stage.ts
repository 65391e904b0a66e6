import { readFile } from 'node:fs/promises'
import { threadId } from 'node:worker_threads'
import { NonRetryableError } from 'millhand'
import { Guest } from './guest.ts'
import { LEASE, openQueues, type File, type Text } from './queues.ts'
import { step } from './step.ts'
import { ThreadStage } from './thread-stage.ts'

/** Larger files are not for this pipeline: the text travels inside a job. */
const MOST_BYTES = 512 * 1024

/** Reads files, in a thread: what waits for the disk needs no process. */
export class FetchStage extends ThreadStage {
  static override module = import.meta.url

  protected override open(): Guest {
    const { queues, close } = openQueues(this.options.db, this.logger)
    const handler = step(fetchText, queues.transform)
    const { name, logger } = this
    const options = { name, logger, concurrency: 8, lease: LEASE }
    return new Guest(queues.fetch.worker({ item: handler }, options), close)
  }
}

/**
 * The text of a file; undefined for one that is empty, too large, or not text.
 * @throws NonRetryableError for text that is not UTF-8.
 */
async function fetchText(file: File, signal: AbortSignal): Promise<Text | undefined> {
  const bytes = await readFile(file.path, { signal })
  if (bytes.length === 0 || bytes.length > MOST_BYTES || bytes.includes(0)) return undefined
  return { ...file, text: decode(bytes, file.path), fetchedBy: `thread ${threadId}` }
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new NonRetryableError(`expected ${path} to be UTF-8`, { cause })
  }
}
