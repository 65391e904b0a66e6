import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker as Thread } from 'node:worker_threads'
import { silentLogger } from 'millhand'
import { StreamGroup } from 'millhand/stream'
import { until } from 'millhand/testing'
import { now } from '../clock.ts'
import { Load } from './load.ts'
import { judge, type Hit, type Outcome } from './outcome.ts'
import { RecordedWorker, type RecordedOptions } from './recorded-worker.ts'
import { lifeOf, readSequences } from './sequence-ledger.ts'

export interface TrialOptions {
  readonly folder: string
  readonly seed: number
  readonly placement: 'thread' | 'process'
  readonly workers: number
  readonly signal: AbortSignal
}

const END_MS = 30_000

/** All threads of this process, to be ended from outside, as nobody else can. */
const threads = new Map<number, Thread>()
process.on('worker', (thread) => {
  const { threadId } = thread
  threads.set(threadId, thread)
  thread.once('exit', () => threads.delete(threadId))
})

/** A group of workers that keep ledgers, under load. */
export class Trial {
  readonly #hits: Hit[] = []
  readonly #group: StreamGroup<RecordedOptions>
  readonly #load: Load
  readonly #ledgers: string
  /** A run must end by its verdict, also when nothing is left that could bring it on. */
  readonly #alive = setInterval(() => {}, 1000)
  #replaced = 0

  private constructor(group: StreamGroup<RecordedOptions>, load: Load, ledgers: string) {
    this.#group = group
    this.#load = load
    this.#ledgers = ledgers
    group.streamEvents.on('recovered', () => void this.#replaced++)
  }

  /** Resolves when it works. */
  static async open({ folder, seed, placement, workers, signal }: TrialOptions): Promise<Trial> {
    const ledgers = join(folder, 'ledgers')
    mkdirSync(ledgers, { recursive: true })
    const group = new StreamGroup<RecordedOptions>(RecordedWorker, {
      ...{ placement, workers, options: { ledgers }, logger: silentLogger },
      ...{ concurrency: 16, snapshotEvery: '300ms' },
      // They are ended again and again here.
      ...{ backoff: '20ms', maxBackoff: '20ms' },
    })
    signal.addEventListener('abort', () => void group.stop({ timeout: 0 }))
    await group.start()
    return new Trial(group, new Load(group, seed), ledgers)
  }

  /** Ends a worker at once, wherever it is: SIGKILL to its process, or its thread is terminated. @param aim 0 to 1. */
  async hit(aim: number): Promise<void> {
    const victim = await until(
      () => {
        const alive = this.#group.handles.filter(({ isRunning }) => isRunning)
        return alive[Math.floor(aim * alive.length)]?.status()
      },
      { timeout: '30s', what: 'a worker to run' },
    )
    const { pid, threadId } = victim
    if (threadId === undefined) {
      this.#hits.push({ kind: 'kill', at: now(), life: lifeOf(pid!, 0) })
      process.kill(pid!, 'SIGKILL')
    } else {
      this.#hits.push({ kind: 'terminate', at: now(), life: lifeOf(process.pid, threadId) })
      await threads.get(threadId)?.terminate()
    }
  }

  async scale(workers: number): Promise<void> {
    this.#hits.push({ kind: 'scale', at: now() })
    await within(this.#group.scale(workers), `scaling to ${workers}`)
  }

  /** Waits until all is handled, ends, and judges. */
  async end(): Promise<Outcome> {
    try {
      await within(this.#load.end(), 'routing')
      // What was lost is told by the verdict.
      await within(this.#group.settled(), 'settling').catch(() => {})
      await this.#load.finalAnswers()
      await this.#group.stop({ timeout: '10s' })
      const { routed, answers } = this.#load
      const handled = readSequences(this.#ledgers)
      return judge({ routed, answers, handled, hits: this.#hits, replaced: this.#replaced })
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#group.stop({ timeout: 0 })
    await within(this.#load.end(), 'routing').catch(() => {})
    clearInterval(this.#alive)
  }
}

/** @throws Error when it takes longer than anything here should. */
async function within(work: Promise<void>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`expected ${what} to end within ${END_MS} ms`)), END_MS)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
