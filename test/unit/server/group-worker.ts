import { Worker } from '../../../src/worker/worker.ts'

export interface Plan {
  readonly setup?: (worker: GroupWorker) => void | Promise<void>
  readonly drain?: () => Promise<void>
}

/** Waits until it is stopped, or told to fail. */
export class GroupWorker extends Worker<Plan> {
  #failure = Promise.withResolvers<never>()

  override async setup(): Promise<void> {
    this.#failure = Promise.withResolvers()
    await this.options.setup?.(this)
  }

  override async main(): Promise<void> {
    const failing = this.#failure.promise
    await Promise.race([failing, this.sleep('1h')])
    await this.options.drain?.()
  }

  protected override receive(message: unknown): void {
    this.#failure.reject(message)
  }
}
