import { setTimeout as sleep } from 'node:timers/promises'
import { BackendError, openBackend, Queue } from 'millhand'
import type { ChaosContext, CaseResult, OpenStore } from './case.ts'
import { LedgerFolder } from './ledger-folder.ts'
import { jobId, QUEUE, queueOptions, type Work } from './job.ts'
import { Proxy } from './proxy.ts'
import { judge, type Interruption } from './referee.ts'
import { readRuns, type Run } from './runs.ts'
import { Supervisor } from './supervisor.ts'

export interface TrialOptions {
  readonly processes: number
  readonly concurrency: number
  readonly leaseMs: number
  /** Where the store is, when not in the folder of the case. */
  readonly storeFolder?: string
  /** Variables of the worker processes, which are counted from 1. */
  readonly env?: (life: number) => Readonly<Record<string, string>>
  /** Whether the server of the store is going to be hit. Default: false. */
  readonly durable?: boolean
  /** Whether workers and producer reach the server of the store by a proxy. Default: false. */
  readonly proxied?: boolean
  /** How long the producer waits for a store that is away, ms. Default: it is told at once. */
  readonly offlineWaitMs?: number
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
  readonly store: OpenStore
  readonly proxy: Proxy | undefined
  readonly #options: TrialOptions
  readonly #ledgers: LedgerFolder

  static async open(context: ChaosContext, options: TrialOptions): Promise<Trial> {
    // A server does not wait for us when it waits for the disk; a file that is shared does.
    const ledgers = new LedgerFolder(context.folder, !context.store.isServer)
    const { storeFolder = context.folder, durable = false } = options
    const store = await context.store.open(storeFolder, { durable })
    const proxy =
      options.proxied === true && store.server !== undefined ? await Proxy.to(store.server.port) : undefined
    const url = proxy === undefined ? store.url : store.server!.urlAt(proxy.port)
    const offlineWait = options.offlineWaitMs ?? 0
    const queue = new Queue(QUEUE, { backend: await openBackend(url), offlineWait, ...queueOptions })
    await queue.backend.open()
    return new Trial({ queue, store, proxy }, { url, ledgers }, options, context.signal)
  }

  private constructor(
    { queue, store, proxy }: Pick<Trial, 'queue' | 'store' | 'proxy'>,
    { url, ledgers }: { url: string; ledgers: LedgerFolder },
    options: TrialOptions,
    signal: AbortSignal,
  ) {
    this.queue = queue
    this.store = store
    this.proxy = proxy
    this.#options = options
    this.#ledgers = ledgers
    const { processes, concurrency, leaseMs, env } = options
    this.supervisor = new Supervisor({
      url,
      ledgers: ledgers.path,
      durableLedgers: this.store.server === undefined,
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
    return readRuns(this.#ledgers.path)
  }

  /** Resolves when nothing is left to do. That it takes too long is a violation. */
  async workedOff(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS + 2 * this.#options.leaseMs
    for (;;) {
      const seen = await this.#left()
      if (seen === 'nothing') return
      if (performance.now() > deadline) {
        this.violations.push(`work does not end: ${seen}`)
        return
      }
      await sleep(100)
    }
  }

  /** What is left to do, in words. */
  async #left(): Promise<string> {
    try {
      const { counts } = await this.queue.stats()
      return counts.waiting + counts.delayed + counts.active === 0 ? 'nothing' : JSON.stringify(counts)
    } catch (error) {
      // The store was just away; whoever asks again finds it.
      if (error instanceof BackendError && error.retryable) return error.message
      throw error
    }
  }

  /** Ends the processes and compares what they did with what the queue says. */
  async judge(): Promise<CaseResult> {
    await this.supervisor.stop()
    this.#ledgers.keep()
    const done = new Set<number>()
    for (const n of this.accepted) {
      const job = await this.queue.get(jobId(n))
      if (job?.state === 'done') done.add(n)
    }
    await this.queue.close()
    await this.proxy?.close()
    await this.store.close()
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
