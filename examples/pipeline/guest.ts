import type { KillCause, QueueWorker } from 'millhand'

/**
 * A queue worker inside a worker that has a thread or process of its own, which is its host: setup starts it, main
 * waits for its end, teardown stops it.
 */
export class Guest {
  readonly worker: QueueWorker
  readonly #close: () => Promise<void>

  /** @param close closes what was opened for it. */
  constructor(worker: QueueWorker, close: () => Promise<void>) {
    this.worker = worker
    this.#close = close
  }

  async start(isQuiet: boolean): Promise<void> {
    await this.worker.start()
    if (isQuiet) this.worker.quiet()
  }

  /** Resolves when the host is asked to stop. @throws what the worker failed with, for the host's supervisor. */
  async untilOver(signal: AbortSignal): Promise<void> {
    await Promise.race([this.worker.join(), aborted(signal)])
    if (this.worker.error !== undefined) throw this.worker.error
  }

  setQuiet(isQuiet: boolean): void {
    if (isQuiet) this.worker.quiet()
    else this.worker.resume()
  }

  kill(cause: KillCause): Promise<void> {
    return this.worker.kill(cause)
  }

  /** Drains it: what runs is finished and settled, the rest handed back. */
  async stop(): Promise<void> {
    await this.worker.stop()
    await this.#close()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
