import { MillhandError, silentLogger, WorkerHandle } from 'millhand'
import { emptyEnvironment, flags, MOST_MEMORY } from './confinement.ts'
import type { Answer, Outcome, Snippet } from './snippet.ts'
import { SnippetRunner } from './snippet-runner.ts'

export interface SandboxOptions {
  /** How long a snippet may take in all, however little it does, ms. Default: 5000. */
  readonly timeLimitMs?: number
  /** How long it may keep its event loop busy without a pause, ms. Default: 1000. */
  readonly busyLimitMs?: number
}

/**
 * Runs code of strangers, one snippet after the other, each in a process of its own: whatever one of them did to
 * its process, the next does not meet it. The process for the next snippet is started ahead.
 */
export class Sandbox {
  readonly #runner: WorkerHandle
  readonly #timeLimitMs: number
  #ready: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor({ timeLimitMs = 5_000, busyLimitMs = 1_000 }: SandboxOptions = {}) {
    this.#timeLimitMs = timeLimitMs
    this.#runner = new WorkerHandle(
      SnippetRunner,
      // What is to be said of a snippet is in its outcome.
      { name: 'snippet', logger: silentLogger },
      {
        execArgv: flags(),
        env: emptyEnvironment(),
        stallThreshold: busyLimitMs,
        onStall: 'kill',
        stopTimeout: 100,
      },
    )
  }

  /** Of the process that runs the next snippet, or the present one. */
  get pid(): number | undefined {
    return this.#runner.status().pid
  }

  /** Runs a snippet when those before it are through. Rejects only when no process can be started for it. */
  run(snippet: Snippet): Promise<Outcome> {
    const outcome = this.#last.then(() => this.#run(snippet))
    this.#last = outcome.catch(() => {})
    return outcome
  }

  /** Ends it, when what was handed to it is through. */
  async close(): Promise<void> {
    await this.#last
    await this.#ready?.catch(() => {})
    await this.#runner.stop()
  }

  async #run(snippet: Snippet): Promise<Outcome> {
    this.#ready ??= this.#runner.start()
    try {
      await this.#ready
      return await this.#outcomeOf(snippet)
    } finally {
      this.#ready = this.#renew()
      // Whoever comes next hears of it.
      this.#ready.catch(() => {})
    }
  }

  #outcomeOf(snippet: Snippet): Promise<Outcome> {
    const { events } = this.#runner
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    let verdict: 'killed' | 'exited' = 'exited'
    const giveUp = (error: MillhandError): void => void this.#runner.kill({ kind: 'deadline', error })
    const off = [
      events.on('message', ({ message }) => resolve(answerOf(message))),
      events.on('killed', () => void (verdict = 'killed')),
      events.on('usage', ({ memoryBytes }) => {
        if (memoryBytes > MOST_MEMORY) giveUp(new MillhandError('MEMORY_LIMIT', 'it took too much memory'))
      }),
      events.on('shutdown', ({ error }) => {
        resolve({ status: verdict, error: error?.message ?? 'its process has ended' })
      }),
    ]
    const limit = setTimeout(
      () => giveUp(new MillhandError('TASK_TIMEOUT', `it was not done after ${this.#timeLimitMs} ms`)),
      this.#timeLimitMs,
    )
    this.#runner.send(snippet)
    return promise.finally(() => {
      clearTimeout(limit)
      for (const each of off) each()
    })
  }

  /** Ends the process, and starts the next one. */
  async #renew(): Promise<void> {
    await this.#runner.stop()
    await this.#runner.start()
  }
}

/** Whoever has broken out of the script speaks for its process, and may send anything. */
function answerOf(message: unknown): Answer {
  const { status, value, error } = Object(message) as Record<string, unknown>
  if (status === 'done') return { status, value }
  return { status: 'threw', error: String(error) }
}
