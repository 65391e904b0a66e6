import { setTimeout as sleep } from 'node:timers/promises'
import { MillhandError, QueueFullError, toError } from '../core/errors.ts'
import type { Backend, EnqueueResult } from './backend.ts'
import type { NewJob } from './job.ts'

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

  add(job: NewJob): Promise<EnqueueResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ job, resolve, reject })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.#flush())
    })
  }

  /** One batch, as it is. Items that find the queue full wait for room, if that was asked for. */
  async addMany(jobs: readonly NewJob[]): Promise<EnqueueResult[]> {
    const { backend, queue, maxLength, fullWaitMs } = this.#options
    await backend.open()
    const results = await backend.enqueue({ queue, jobs, maxLength })
    if (fullWaitMs > 0) await this.#waitForRoom(jobs, results)
    return results
  }

  /** Everything that was added is in the store, or was refused. */
  async flushed(): Promise<void> {
    if (this.#scheduled) this.#flush()
    await Promise.all(this.#underWay)
  }

  #flush(): void {
    if (!this.#scheduled) return
    this.#scheduled = false
    const batch = this.#pending
    this.#pending = []
    const work = this.#send(batch).finally(() => this.#underWay.delete(work))
    this.#underWay.add(work)
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    try {
      const results = await this.addMany(batch.map(({ job }) => job))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]!)
    } catch (error) {
      for (const { reject } of batch) reject(toError(error))
    }
  }

  async #waitForRoom(jobs: readonly NewJob[], results: EnqueueResult[]): Promise<void> {
    const { backend, queue, maxLength, fullWaitMs } = this.#options
    const deadline = performance.now() + fullWaitMs
    for (let pause = 5; ; pause = Math.min(pause * 2, 250)) {
      const refused = [...results.keys()].filter((index) => isFull(results[index]!))
      if (refused.length === 0 || performance.now() >= deadline) return
      await sleep(pause * (0.5 + Math.random()))
      const again = await backend.enqueue({ queue, jobs: refused.map((index) => jobs[index]!), maxLength })
      for (const [position, index] of refused.entries()) results[index] = again[position]!
    }
  }
}

function isFull(result: EnqueueResult): boolean {
  return result.status === 'rejected' && result.code === 'QUEUE_FULL'
}

/** The error for a job that the store refused. */
export function refusal(queue: string, result: EnqueueResult & { status: 'rejected' }): MillhandError {
  if (result.code === 'QUEUE_FULL') return new QueueFullError(`queue "${queue}" is full: ${result.reason}`)
  return new MillhandError(result.code, `queue "${queue}" refused job ${result.id}: ${result.reason}`)
}
