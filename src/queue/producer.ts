import { MillhandError, QueueFullError, toError } from '../core/errors.ts'
import type { Backend, EnqueueResult, Transaction } from './backend.ts'
import type { NewJob } from './job.ts'
import { checkTransaction } from './transaction.ts'

export interface ProducerOptions {
  readonly queue: string
  readonly backend: Backend
  /** No more unfinished jobs than this. Null: no limit. */
  readonly maxLength: number | null
  /** How long an add waits for room in a full queue, ms. 0: it is refused at once. */
  readonly fullWaitMs: number
}

interface Pending {
  readonly job: NewJob
  readonly resolve: (result: EnqueueResult) => void
  readonly reject: (error: Error) => void
}

/** Collects the adds of one turn of the event loop into one batch for the store. */
export class Producer {
  readonly #options: ProducerOptions
  #pending: Pending[] = []
  #scheduled = false
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: ProducerOptions) {
    this.#options = options
  }

  /** Resolves with the store's answer; that of a full queue may be waited out first. */
  add(job: NewJob): Promise<EnqueueResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ job, resolve, reject })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.#flush())
    })
  }

  /** The same for a batch, as it is. One that could not be stored is an Error in its place. */
  addMany(jobs: readonly NewJob[]): Promise<(EnqueueResult | Error)[]> {
    const batch: Pending[] = []
    const answers = jobs.map(
      (job) => new Promise<EnqueueResult | Error>((resolve) => batch.push({ job, resolve, reject: resolve })),
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
    await Promise.all(this.#underWay)
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
    this.#underWay.add(work)
    void work.then(() => this.#underWay.delete(work))
  }

  /** Never rejects: each of the batch hears of its own fate, and as soon as it is known. */
  async #enqueue(batch: readonly Pending[]): Promise<void> {
    const { backend, queue, maxLength, fullWaitMs } = this.#options
    const deadline = performance.now() + fullWaitMs
    let left = batch
    try {
      await backend.open()
      for (let pause = 5; ; pause = Math.min(pause * 2, 250)) {
        const results = await backend.enqueue({ queue, jobs: left.map(({ job }) => job), maxLength })
        const canWait = performance.now() < deadline
        const refused: Pending[] = []
        for (const [index, pending] of left.entries()) {
          const result = results[index]!
          if (canWait && isFull(result)) refused.push(pending)
          else pending.resolve(result)
        }
        left = refused
        if (left.length === 0) return
        const ms = pause * (0.5 + Math.random())
        await new Promise((resolve) => {
          setTimeout(resolve, ms)
        })
      }
    } catch (error) {
      for (const { reject } of left) reject(toError(error))
    }
  }
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
