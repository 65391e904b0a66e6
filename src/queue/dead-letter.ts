import { unknownName } from '../core/options.ts'
import type { JobFilter, StepReport, Steering } from './backend.ts'
import { inSteps, STEP } from './steps.ts'
import type { StoredJob } from './stored-job.ts'

/**
 * A dead letter: the envelope around a job that failed for good. It is a view of the job in state `dead`,
 * which is nowhere else and is never also waiting.
 */
export interface DeadLetter {
  /** `dlq_` and the id of the job. */
  readonly id: string
  readonly type: 'dead_letter'
  /** The lowest: nothing that lives waits for it. */
  readonly priority: 0
  readonly payload: {
    readonly original: StoredJob
    /** The message of the last error. */
    readonly error: string
    /** Its `code`, or else its name. */
    readonly errorType: string
    readonly failedAt: Date
  }
}

/** Which dead letters; every condition that is given must hold. */
export interface DeadLetterFilter {
  /** Ids, of the job or of the letter. */
  readonly ids?: readonly string[]
  readonly types?: readonly string[]
  readonly tags?: readonly string[]
  /** The `code` or the name of the last error. */
  readonly error?: string
  readonly before?: Date
}

/** What an analysis found. */
export interface DeadLetterReport {
  readonly total: number
  /** How many letters of each job type. */
  readonly byType: Readonly<Record<string, number>>
  /** How many letters for each `errorType`. */
  readonly byError: Readonly<Record<string, number>>
  readonly oldest: Date | undefined
  readonly newest: Date | undefined
}

const PREFIX = 'dlq_'

/** The part of a queue that its dead letters need. */
interface Origin {
  readonly name: string
  readonly backend: Pick<Steering, 'replay' | 'purge'> & { open(): Promise<void> }
  list(options: Partial<Omit<JobFilter, 'queue'>>): Promise<StoredJob[]>
}

/** The jobs of a queue that failed for good: to look at, to run again, to remove. */
export class DeadLetterQueue {
  readonly #queue: Origin

  constructor(queue: Origin) {
    this.#queue = queue
  }

  /** Letters in the order in which their jobs were added; 100 unless `limit` says otherwise. */
  async list(filter: DeadLetterFilter & { limit?: number; after?: number } = {}): Promise<DeadLetter[]> {
    const { limit = 100, after, ...which } = filter
    const jobs = await this.#queue.list({
      ...conditions(which),
      limit,
      ...(after === undefined ? {} : { after }),
    })
    return jobs.map(toLetter)
  }

  /** One letter, by the id of the letter or of its job. */
  async get(id: string): Promise<DeadLetter | undefined> {
    const [letter] = await this.list({ ids: [id], limit: 1 })
    return letter
  }

  /** Lets one job (an id), all that match, or all (`{}`) wait again, with their attempts at 0. Returns how many. */
  replay(which: string | DeadLetterFilter): Promise<number> {
    return this.#each(which, (filter) => this.#queue.backend.replay(filter))
  }

  /** Removes one letter (an id), all that match, or all (`{}`), for ever. Returns how many. */
  purge(which: string | DeadLetterFilter): Promise<number> {
    return this.#each(which, (filter) => this.#queue.backend.purge(filter))
  }

  /** Counts letters by type and by error. Reads at most `limit` of them, 10,000 by default. */
  async analyze(filter: DeadLetterFilter & { limit?: number } = {}): Promise<DeadLetterReport> {
    const { limit = 10_000, ...which } = filter
    const byType: Record<string, number> = {}
    const byError: Record<string, number> = {}
    let [total, oldest, newest] = [0, Infinity, -Infinity]
    for (let after = -1; total < limit;) {
      const letters = await this.list({ ...which, after, limit: Math.min(STEP, limit - total) })
      for (const { payload } of letters) {
        const at = payload.failedAt.getTime()
        byType[payload.original.type] = (byType[payload.original.type] ?? 0) + 1
        byError[payload.errorType] = (byError[payload.errorType] ?? 0) + 1
        ;[oldest, newest] = [Math.min(oldest, at), Math.max(newest, at)]
      }
      total += letters.length
      if (letters.length < STEP) break
      after = letters.at(-1)!.payload.original.seq
    }
    const date = (ms: number): Date | undefined => (total === 0 ? undefined : new Date(ms))
    return { total, byType, byError, oldest: date(oldest), newest: date(newest) }
  }

  async #each(
    which: string | DeadLetterFilter,
    act: (filter: JobFilter) => Promise<StepReport>,
  ): Promise<number> {
    const filter = conditions(typeof which === 'string' ? { ids: [which] } : which)
    await this.#queue.backend.open()
    return inSteps((after) => act({ ...filter, queue: this.#queue.name, limit: STEP, ...after }))
  }
}

const CONDITIONS = ['ids', 'types', 'tags', 'error', 'before']

/** @throws InvalidOptionError for an unknown condition: left out, it would match, and purge, everything. */
function conditions(filter: DeadLetterFilter): Omit<JobFilter, 'queue' | 'limit'> {
  for (const name of Object.keys(filter)) {
    if (!CONDITIONS.includes(name)) throw unknownName('condition', name, CONDITIONS)
  }
  const { ids, types, tags, error, before } = filter
  return {
    states: ['dead'],
    ...(ids === undefined
      ? {}
      : { ids: ids.map((id) => (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id)) }),
    ...(types === undefined ? {} : { types }),
    ...(tags === undefined ? {} : { tags }),
    ...(error === undefined ? {} : { error }),
    ...(before === undefined ? {} : { finishedBefore: before.getTime() }),
  }
}

function toLetter(job: StoredJob): DeadLetter {
  const error = job.error ?? { name: 'Error', message: 'unknown', code: null }
  return {
    id: PREFIX + job.id,
    type: 'dead_letter',
    priority: 0,
    payload: {
      original: job,
      error: error.message,
      errorType: error.code ?? error.name,
      failedAt: new Date(job.finishedAt ?? job.createdAt),
    },
  }
}
