import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend, Queue, type KillCause, type QueueWorker } from 'millhand'
import { QUEUE, queueOptions, type Work } from '../job.ts'
import { Ledger } from '../ledger.ts'
import { LEASE, type ConsumerOptions } from './settings.ts'

/** What the workers of a chaos server do, wherever they are placed: the jobs of a queue, each noted in a ledger. */
export class Consumer {
  /** False when its worker was started again. */
  isFirstLife = true
  readonly #options: ConsumerOptions
  #queue: Queue | undefined
  #worker: QueueWorker | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { url, ledgers } = this.#options
    const ledger = new Ledger(ledgers, randomInt(2 ** 31))
    this.#queue = new Queue(QUEUE, { backend: await openBackend(url), ...queueOptions })
    this.#worker = this.#queue.worker(
      {
        // It goes on when its signal aborts, as handlers do that never look; that is the harder case.
        work: async (job) => {
          const { n, ms } = job.payload as Work
          ledger.note('start', n, job.token)
          await sleep(ms)
          ledger.note('end', n, job.token)
          await ledger.durable()
          ledger.note('return', n, job.token)
        },
      },
      { concurrency: 5, lease: LEASE },
    )
    await this.#worker.start()
  }

  /** Until a stop is asked, unless it ignores that, or what works on the queue has failed. */
  async live(signal: AbortSignal): Promise<void> {
    const worker = this.#worker!
    const ends: Promise<unknown>[] = [worker.join(), this.#misbehave()]
    if (this.#options.misbehaves?.how !== 'ignore-stop') ends.push(aborted(signal))
    await Promise.race(ends)
    if (worker.error !== undefined) throw worker.error
  }

  async stop(): Promise<void> {
    await this.#worker?.stop()
    await this.#queue?.close()
  }

  /** Hands back what it cannot finish. */
  async kill(cause: KillCause): Promise<void> {
    await this.#worker?.kill(cause)
  }

  async #misbehave(): Promise<never> {
    const { how, afterMs } = this.#options.misbehaves ?? {}
    if (how === 'block' || how === 'throw') await sleep(afterMs)
    if (how === 'block') while (this.isFirstLife);
    if (how === 'throw') throw new Error('it fails in each of its lives')
    return new Promise(() => {})
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
