import { Crowd, type Member } from '../core/crowd.ts'
import { BackendError, MillhandError, QueueFullError, toError } from '../core/errors.ts'
import type { Backend, EnqueueResult, Transaction } from './backend.ts'
import type { NewJob } from './job.ts'
import { SilenceWatch } from './silence.ts'
import { checkTransaction } from './transaction.ts'

export interface ProducerOptions {
  readonly queue: string
  readonly backend: Backend
  /** No more unfinished jobs than this. Null: no limit. */
  readonly maxLength: number | null
  /** How long an add waits for room in a full queue, ms. 0: it is refused at once. */
  readonly fullWaitMs: number
  /** How long an add waits for a store that is away, ms. 0: it fails at once. */
  readonly offlineWaitMs: number
}

interface Pending {
  readonly job: NewJob
  /** Nobody else can have added this id: a duplicate of it is our own, of a try whose reply was lost. */
  readonly isUnrepeatable: boolean
  readonly resolve: (result: EnqueueResult) => void
  readonly reject: (error: Error) => void
}

interface UnderWay extends Member {
  readonly work: Promise<void>
}

/** A batch of any size can be added in one call, and no store is so slow that it needs longer for each. */
const SLOWEST_ADD_MS = 1

/**
 * Collects the adds of one turn of the event loop into one batch for the store. While the store is away they are tried
 * again for as long as they may wait, by the same ids, so that one whose reply was lost is not a second job.
 */
export class Producer {
  readonly #options: ProducerOptions
  readonly #silence: SilenceWatch
  #pending: Pending[] = []
  #scheduled = false
  readonly #underWay = new Crowd<UnderWay>()

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#silence = new SilenceWatch(options.backend, () => {})
  }

  /** Resolves with the store's answer; that of a full queue may be waited out first. */
  add(job: NewJob): Promise<EnqueueResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push(this.#repeatable(job, resolve, reject))
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.#flush())
    })
  }

  /** The same for a batch, as it is. One that could not be stored is an Error in its place. */
  addMany(jobs: readonly NewJob[]): Promise<(EnqueueResult | Error)[]> {
    const batch: Pending[] = []
    const answers = jobs.map(
      (job) =>
        new Promise<EnqueueResult | Error>((resolve) => batch.push(this.#repeatable(job, resolve, resolve))),
    )
    this.#send(batch)
    return Promise.all(answers)
  }

  /**
   * The same in a transaction of the caller's, so with nobody else's adds. Waits for no room and tries nothing again:
   * that is for who began the transaction.
   */
  addWithin(transaction: Transaction, jobs: readonly NewJob[]): Promise<EnqueueResult[]> {
    const { backend, queue, maxLength } = this.#options
    const add = async (): Promise<EnqueueResult[]> => {
      checkTransaction(backend, transaction)
      await backend.open()
      return backend.enqueue({ queue, jobs, maxLength }, transaction)
    }
    const adding = add()
    this.#track(adding.then(nothing, nothing))
    return adding
  }

  /** Everything that was added is in the store, or was refused. */
  async flushed(): Promise<void> {
    this.#flush()
    await Promise.all([...this.#underWay].map(({ work }) => work))
  }

  #flush(): void {
    if (!this.#scheduled) return
    this.#scheduled = false
    const batch = this.#pending
    this.#pending = []
    this.#send(batch)
  }

  #send(batch: readonly Pending[]): void {
    this.#track(this.#enqueue(batch))
  }

  /** @param work does not reject. */
  #track(work: Promise<void>): void {
    const one = { place: -1, work }
    this.#underWay.add(one)
    void work.then(() => this.#underWay.delete(one))
  }

  #repeatable(job: NewJob, resolve: Pending['resolve'], reject: Pending['reject']): Pending {
    const { offlineWaitMs } = this.#options
    const isUnrepeatable = job.dedupeMs === 0
    // The first try may have come through, and the job be done and gone, before the next: its id must outlive that.
    const kept = isUnrepeatable && offlineWaitMs > 0 ? { ...job, dedupeMs: offlineWaitMs } : job
    return { job: kept, isUnrepeatable, resolve, reject }
  }

  /** Never rejects: each of the batch hears of its own fate, and as soon as it is known. */
  async #enqueue(batch: readonly Pending[]): Promise<void> {
    const { fullWaitMs, offlineWaitMs } = this.#options
    const begun = performance.now()
    const hasTime = (ms: number): boolean => performance.now() - begun < ms
    let left = batch
    let repeated = false
    for (let pause = 5; ; pause = Math.min(pause * 2, 250)) {
      try {
        left = answer(left, await this.#call(left), hasTime(fullWaitMs), repeated)
      } catch (thrown) {
        const error = toError(thrown)
        if (!(error instanceof BackendError && error.retryable && hasTime(offlineWaitMs))) {
          for (const { reject } of left) reject(error)
          return
        }
        repeated = true
      }
      if (left.length === 0) return
      const ms = pause * (0.5 + Math.random())
      await new Promise((resolve) => {
        setTimeout(resolve, ms)
      })
    }
  }

  #call(batch: readonly Pending[]): Promise<EnqueueResult[]> {
    const { backend, queue, maxLength } = this.#options
    const call = async (): Promise<EnqueueResult[]> => {
      await backend.open()
      return backend.enqueue({ queue, jobs: batch.map(({ job }) => job), maxLength })
    }
    return this.#silence.over(call, batch.length * SLOWEST_ADD_MS)
  }
}

/** Tells each its answer, but those that found the queue full when they `canWait`. @returns these. */
function answer(
  batch: readonly Pending[],
  results: readonly EnqueueResult[],
  canWait: boolean,
  repeated: boolean,
): Pending[] {
  const refused: Pending[] = []
  for (const [index, pending] of batch.entries()) {
    const result = results[index]!
    if (canWait && isFull(result)) refused.push(pending)
    else if (repeated && pending.isUnrepeatable && result.status === 'duplicate')
      pending.resolve({ ...result, status: 'added' })
    else pending.resolve(result)
  }
  return refused
}

function nothing(): void {}

function isFull(result: EnqueueResult): boolean {
  return result.status === 'rejected' && result.code === 'QUEUE_FULL'
}

/** The error for a job that the store refused. */
export function refusal(queue: string, result: EnqueueResult & { status: 'rejected' }): MillhandError {
  if (result.code === 'QUEUE_FULL') return new QueueFullError(`queue "${queue}" is full: ${result.reason}`)
  return new MillhandError(result.code, `queue "${queue}" refused job ${result.id}: ${result.reason}`)
}
