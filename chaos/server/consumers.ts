/** The workers of a chaos server. The same life in a thread and in a process. */
import { ProcessWorker, ThreadWorker, type KillCause, type LifecycleEvent } from 'millhand'
import { Consumer } from './consumer.ts'
import type { ConsumerOptions } from './settings.ts'

export class ThreadConsumer extends ThreadWorker<ConsumerOptions> {
  static override module = import.meta.url
  readonly #consumer = new Consumer(this.options)

  override setup(): Promise<void> {
    return this.#consumer.start()
  }

  override main(): Promise<void> {
    return this.#consumer.live(this.signal)
  }

  override teardown(): Promise<void> {
    return this.#consumer.stop()
  }

  override onKill(cause: KillCause): Promise<void> {
    return this.#consumer.kill(cause)
  }

  override lifecycle({ type }: LifecycleEvent): void {
    if (type === 'restart') this.#consumer.isFirstLife = false
  }
}

export class ProcessConsumer extends ProcessWorker<ConsumerOptions> {
  static override module = import.meta.url
  readonly #consumer = new Consumer(this.options)

  override setup(): Promise<void> {
    return this.#consumer.start()
  }

  override main(): Promise<void> {
    return this.#consumer.live(this.signal)
  }

  override teardown(): Promise<void> {
    return this.#consumer.stop()
  }

  override onKill(cause: KillCause): Promise<void> {
    return this.#consumer.kill(cause)
  }

  override lifecycle({ type }: LifecycleEvent): void {
    if (type === 'restart') this.#consumer.isFirstLife = false
  }
}
