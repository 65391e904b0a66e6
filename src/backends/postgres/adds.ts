import { BackendError } from '../../core/errors.ts'
import type { EnqueueRequest, EnqueueResult, Transaction } from '../../queue/backend.ts'
import type { NewJob } from '../../queue/job.ts'
import { inChunks } from './chunks.ts'
import { enqueue } from './enqueue.ts'
import type { Store } from './store.ts'

/** Two statements of a queue at once: while the disk works for one, the server works on the other. */
const UNDER_WAY = 2
/** What goes together. A statement that is larger gains nothing, and keeps others waiting. */
const MOST_JOBS = 1000
const MOST_CHARACTERS = 1_048_576
/** From so many on it pays not to look for each id first. */
const MANY = 20
/** For how long a queue is thought to meet known ids again: what was put in vain is thrown away by the server. */
const CAREFUL_MS = 60_000

/** So many queues keep their place while nothing is added. */
const MOST_LINES = 1000

interface Add {
  readonly jobs: readonly NewJob[]
  readonly maxLength: number | null
  readonly size: number
  readonly resolve: (results: EnqueueResult[]) => void
  readonly reject: (error: unknown) => void
}

interface Line {
  underWay: number
  waiting: Add[]
}

/**
 * Adds that come while others are on their way wait for these, and then go together. A commit waits for the disk as long
 * for many jobs as for one, and each connection more has plans of its own to make.
 */
export class Adds {
  readonly #store: Store
  readonly #lines = new Map<string, Line>()
  /** Queues where an id was known already, and until when that is remembered. */
  readonly #careful = new Map<string, number>()

  constructor(store: Store) {
    this.#store = store
  }

  enqueue(request: EnqueueRequest, transaction?: Transaction): Promise<EnqueueResult[]> {
    const { queue, jobs, maxLength } = request
    if (transaction !== undefined) {
      return this.#store.within(transaction, (session) =>
        inChunks(jobs, (chunk) =>
          enqueue(session, { ...request, jobs: chunk }, this.#store.prepare(session)),
        ),
      )
    }
    return inChunks(jobs, (chunk) => this.#add(queue, chunk, maxLength))
  }

  async #put(request: EnqueueRequest): Promise<EnqueueResult[]> {
    const { queue, jobs } = request
    const hopeful = jobs.length >= MANY && !((this.#careful.get(queue) ?? 0) > performance.now())
    const results = await this.#store.run((session) =>
      enqueue(session, request, this.#store.prepare(session), hopeful),
    )
    if (hopeful && results.some(({ status }) => status === 'duplicate')) {
      this.#careful.set(queue, performance.now() + CAREFUL_MS)
    }
    return results
  }

  #add(queue: string, jobs: readonly NewJob[], maxLength: number | null): Promise<EnqueueResult[]> {
    let line = this.#lines.get(queue)
    if (line === undefined) this.#lines.set(queue, (line = { underWay: 0, waiting: [] }))
    const { promise, resolve, reject } = Promise.withResolvers<EnqueueResult[]>()
    line.waiting.push({ jobs, maxLength, size: sizeOf(jobs), resolve, reject })
    this.#next(queue, line)
    return promise
  }

  #next(queue: string, line: Line): void {
    while (line.underWay < UNDER_WAY && line.waiting.length > 0) {
      line.underWay++
      void this.#send(queue, taken(line)).finally(() => {
        line.underWay--
        this.#next(queue, line)
        if (line.underWay === 0 && this.#lines.size > MOST_LINES) this.#lines.delete(queue)
      })
    }
  }

  /** Never rejects. */
  async #send(queue: string, adds: readonly Add[]): Promise<void> {
    const { maxLength } = adds[0]!
    try {
      const all = adds.length === 1 ? adds[0]!.jobs : adds.flatMap(({ jobs }) => jobs)
      const results = await this.#put({ queue, jobs: all, maxLength })
      let from = 0
      for (const { jobs, resolve } of adds) resolve(results.slice(from, (from += jobs.length)))
    } catch (error) {
      if (adds.length === 1 || (error instanceof BackendError && error.retryable)) {
        for (const { reject } of adds) reject(error)
        return
      }
      // What one of them has done to deserve it is not for the others.
      for (const { jobs, resolve, reject } of adds) {
        await this.#put({ queue, jobs, maxLength }).then(resolve, reject)
      }
    }
  }
}

/** The first that wait, as many as go together; at least one. What is said of the length of the queue is said by all. */
function taken(line: Line): readonly Add[] {
  let count = 0
  let jobs = 0
  let size = 0
  for (const add of line.waiting) {
    jobs += add.jobs.length
    size += add.size
    if (add.maxLength !== line.waiting[0]!.maxLength) break
    if (count > 0 && (jobs > MOST_JOBS || size > MOST_CHARACTERS)) break
    count++
  }
  return line.waiting.splice(0, count)
}

function sizeOf(jobs: readonly NewJob[]): number {
  let size = 0
  for (const { payload } of jobs) size += payload.length
  return size
}
