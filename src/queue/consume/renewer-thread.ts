import { Worker as Thread } from 'node:worker_threads'
import { toError } from '../../core/errors.ts'
import type { HeldClaim } from '../backend.ts'
import { RenewalTimes } from './renewal-times.ts'
import { renewEveryMs, type RenewalTask, type Renewer } from './renewer.ts'

/** What the thread is started with. */
export interface RenewerData {
  readonly url: string
  readonly owner: string
  readonly leaseMs: number
  readonly everyMs: number
  /** Of its RenewalTimes. */
  readonly times: Float64Array
}

/** What it says: what is held, or what went wrong. */
export type RenewerMessage =
  | { readonly at: number; readonly held: readonly HeldClaim[] }
  | { readonly error: { readonly message: string; readonly code: string | undefined } }

/**
 * Renews from a thread with its own opening of the store, so a blocked event loop loses no lease. The times of
 * renewals are in shared memory: a loop that was blocked reads them before any message has arrived.
 */
export class ThreadRenewer implements Renewer {
  readonly #url: string
  readonly #task: RenewalTask
  readonly times: RenewalTimes
  #thread: Thread | undefined

  readonly #onEnd: (cause: Error) => void

  /** @param onEnd hears when the thread has ended by itself, which it never should. */
  constructor(url: string, task: RenewalTask, onEnd: (cause: Error) => void) {
    this.#url = url
    this.#task = task
    this.times = new RenewalTimes(task.leaseMs)
    this.#onEnd = onEnd
  }

  start(): void {
    const { owner, leaseMs, onError, onRenewal } = this.#task
    this.times.begin(undefined)
    const workerData: RenewerData = {
      url: this.#url,
      owner,
      leaseMs,
      everyMs: renewEveryMs(leaseMs),
      times: this.times.memory,
    }
    // The entry has the extension that this file has: .ts in the sources, .js when built.
    const entry = new URL(
      import.meta.url.endsWith('.ts') ? './renewer-entry.ts' : './renewer-entry.js',
      import.meta.url,
    )
    const thread = new Thread(entry, { workerData, execArgv: QUIET, name: 'millhand-leases' })
    this.#thread = thread
    // The worker keeps the process alive as long as it should, not its lease keeper.
    thread.unref()
    thread.on('message', (message: RenewerMessage) => {
      if (this.#thread !== thread) return
      if ('error' in message) onError(new Error(`renewing leases: ${message.error.message}`))
      else onRenewal({ startedAt: message.at, held: message.held })
    })
    let cause = new Error('it exited')
    thread.on('error', (error) => (cause = toError(error)))
    thread.on('exit', () => {
      if (this.#thread !== thread) return
      this.#thread = undefined
      this.#onEnd(cause)
    })
  }

  async stop(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    // At once, also while it opens the store or renews: what it has begun is rolled back with its connection.
    await thread?.terminate()
  }
}

/** Flags of the main thread are not for this one; only Node's warning of experimental parts is held back. */
const QUIET: string[] = ['--disable-warning=ExperimentalWarning']
