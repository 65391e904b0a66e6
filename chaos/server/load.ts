import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend, Queue, silentLogger } from 'millhand'
import { jobId, jobNumber, QUEUE, queueOptions, type Work } from '../job.ts'
import { Ledger } from '../ledger.ts'
import { Random } from '../random.ts'
import { judge } from '../referee.ts'
import { readRuns } from '../runs.ts'
import { LEASE } from './settings.ts'

/** So many jobs are added so often while the server lives. */
const BATCH = 10
const EVERY_MS = 50
const LONGEST_MS = 200
/** Two leases, upkeep, and a busy machine. */
const DRAIN_MS = 30_000
/** Names the ledger of this process. */
const LIFE = 2 ** 31

/** The jobs of a run: who adds them, who works off what the server left, and whether any was lost. */
export class Load {
  readonly #queue: Queue
  readonly #ledgers: string
  readonly #random: Random
  /** Those whose add was answered. */
  readonly #accepted = new Set<number>()
  #next = 0
  #isOver = false
  #adding: Promise<void> = Promise.resolve()

  static async open(url: string, ledgers: string, seed: number): Promise<Load> {
    const queue = new Queue(QUEUE, { backend: await openBackend(url), ...queueOptions })
    await queue.backend.open()
    return new Load(queue, ledgers, seed)
  }

  private constructor(queue: Queue, ledgers: string, seed: number) {
    this.#queue = queue
    this.#ledgers = ledgers
    this.#random = new Random(seed)
  }

  async add(count: number): Promise<void> {
    const works = Array.from({ length: count }, (): Work => {
      return { n: this.#next++, ms: this.#random.integer(1, LONGEST_MS) }
    })
    const results = await this.#queue.addMany(
      works.map((work) => ({ type: 'work', payload: work, options: { id: jobId(work.n) } })),
    )
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') throw result.error
      this.#accepted.add(works[index]!.n)
    }
  }

  /** Adds jobs until `lost` or `close` is called. */
  keepAdding(): void {
    this.#adding = this.#add()
    // Told by `lost`.
    this.#adding.catch(() => {})
  }

  /** Works off what is left. @returns the jobs that were accepted, and not run to the end, or not done for the queue. */
  async lost(signal: AbortSignal): Promise<number[]> {
    this.#isOver = true
    await this.#adding
    await this.#workOff(signal)
    const done = new Set<number>()
    for (const n of this.#accepted) {
      const job = await this.#queue.get(jobId(n))
      if (job?.state === 'done') done.add(n)
    }
    const runs = readRuns(this.#ledgers)
    const evidence = { accepted: this.#accepted, done, runs, interruptions: [], concurrency: 1 }
    return [...judge(evidence).lost]
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#adding.catch(() => {})
    await this.#queue.close()
  }

  async #add(): Promise<void> {
    while (!this.#isOver) {
      await this.add(BATCH)
      await sleep(EVERY_MS)
    }
  }

  /** Jobs that the server had in hand when it was killed are waited for. */
  async #workOff(signal: AbortSignal): Promise<void> {
    const ledger = new Ledger(this.#ledgers, LIFE)
    const worker = this.#queue.worker(
      {
        work: async (job) => {
          const n = jobNumber(job.id)
          ledger.note('start', n, job.token)
          ledger.note('end', n, job.token)
          await ledger.durable()
          ledger.note('return', n, job.token)
        },
      },
      { concurrency: 50, lease: LEASE, logger: silentLogger },
    )
    await worker.start()
    const deadline = performance.now() + DRAIN_MS
    while ((await this.#left()) > 0 && performance.now() < deadline && !signal.aborted) await sleep(10)
    await worker.stop()
    ledger.close()
  }

  async #left(): Promise<number> {
    const { counts } = await this.#queue.stats()
    return counts.waiting + counts.delayed + counts.active
  }
}
