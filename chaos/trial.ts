import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend, Queue } from 'millhand'
import type { ChaosContext, CaseResult } from './case.ts'
import { jobId, QUEUE, queueOptions, type Work } from './job.ts'
import { judge, type Interruption } from './referee.ts'
import { readRuns, type Run } from './runs.ts'
import { Supervisor } from './supervisor.ts'

export interface TrialOptions {
  readonly processes: number
  readonly concurrency: number
  readonly leaseMs: number
  /** Where the store is, when not in the folder of the case. */
  readonly storeFolder?: string
  readonly env?: Readonly<Record<string, string>>
}

/** How long to wait for the work to end when no more faults are injected, beyond two leases. */
const PATIENCE_MS = 90_000
const BATCH = 500

/** One queue with its producer, in this process, and its workers, in others; and what the referee has to know. */
export class Trial {
  readonly supervisor: Supervisor
  readonly interruptions: Interruption[] = []
  /** What should not be, beside lost jobs and unexplained duplicates. */
  readonly violations: string[] = []
  /** The jobs whose add was answered. */
  readonly accepted = new Set<number>()
  readonly queue: Queue
  readonly #options: TrialOptions
  readonly #ledgers: string

  static async open(context: ChaosContext, options: TrialOptions): Promise<Trial> {
    const ledgers = join(context.folder, 'ledgers')
    mkdirSync(ledgers, { recursive: true })
    const url = context.store.url(options.storeFolder ?? context.folder)
    const queue = new Queue(QUEUE, { backend: await openBackend(url), ...queueOptions })
    await queue.backend.open()
    return new Trial(queue, url, ledgers, options, context.signal)
  }

  private constructor(
    queue: Queue,
    url: string,
    ledgers: string,
    options: TrialOptions,
    signal: AbortSignal,
  ) {
    this.queue = queue
    this.#options = options
    this.#ledgers = ledgers
    const { processes, concurrency, leaseMs, env } = options
    this.supervisor = new Supervisor({
      url,
      ledgers,
      processes,
      concurrency,
      leaseMs,
      ...(env === undefined ? {} : { env }),
    })
    signal.addEventListener('abort', () => this.supervisor.kill())
  }

  /** @throws what the queue threw; the jobs that it had accepted before are noted. */
  async add(jobs: readonly Work[]): Promise<void> {
    for (let at = 0; at < jobs.length; at += BATCH) {
      const batch = jobs.slice(at, at + BATCH)
      const results = await this.queue.addMany(
        batch.map((work) => ({ type: 'work', payload: work, options: { id: jobId(work.n) } })),
      )
      for (const [index, result] of results.entries()) {
        if (result.status === 'rejected') throw result.error
        this.accepted.add(batch[index]!.n)
      }
    }
  }

  /** Adds one after the other, evenly within so long. */
  async feed(jobs: readonly Work[], withinMs: number): Promise<void> {
    const begin = performance.now()
    for (const [index, job] of jobs.entries()) {
      await sleep(Math.max(0, begin + (withinMs * index) / jobs.length - performance.now()))
      await this.add([job])
    }
  }

  runs(): Run[] {
    return readRuns(this.#ledgers)
  }

  /** Resolves when nothing is left to do. That it takes too long is a violation. */
  async workedOff(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS + 2 * this.#options.leaseMs
    for (;;) {
      const { counts } = await this.queue.stats()
      const left = counts.waiting + counts.delayed + counts.active
      if (left === 0) return
      if (performance.now() > deadline) {
        this.violations.push(`work does not end: ${JSON.stringify(counts)}`)
        return
      }
      await sleep(100)
    }
  }

  /** Ends the processes and compares what they did with what the queue says. */
  async judge(): Promise<CaseResult> {
    await this.supervisor.stop()
    const done = new Set<number>()
    for (const n of this.accepted) {
      const job = await this.queue.get(jobId(n))
      if (job?.state === 'done') done.add(n)
    }
    await this.queue.close()
    const { accepted, interruptions } = this
    const { concurrency } = this.#options
    const verdict = judge({ accepted, done, runs: this.runs(), interruptions, concurrency })
    const tooMany = verdict.cutOff.find((count) => count > concurrency)
    if (tooMany !== undefined)
      this.violations.push(
        `a process ran ${tooMany} jobs at once, more than its concurrency of ${concurrency}`,
      )
    return {
      verdict,
      strikes: interruptions.length,
      notes: [],
      violations: [...this.violations, ...this.supervisor.failures],
    }
  }
}
