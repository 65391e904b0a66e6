import { MillhandError } from '../../core/errors.ts'
import { ProcessWorker } from '../../worker/process-worker.ts'
import type { RetryOptions } from '../../core/retry.ts'
import type { Duration } from '../../core/duration.ts'
import { CONSUMER_RULES, workerDefaults } from './consumer-options.ts'
import type { MqttConnectionOptions } from './mqtt-options.ts'
import { loadRouter, type RouterSource } from './router-source.ts'
import { serves } from './slots.ts'
import { TopicService } from './topic-service.ts'
import { stopOf } from './topic-worker.ts'

/** What the process of a slot is made of: all of it data. */
export interface MqttSlotOptions {
  readonly slot: number
  readonly source: RouterSource
  readonly groupName: string
  readonly connection: MqttConnectionOptions
  readonly timeout?: Duration | 'none'
  readonly retry?: RetryOptions | false
  readonly deadLetter?: string | false
  readonly drainTimeout?: Duration
  /** Only to empty and end the session that the slot has left at the broker. */
  readonly isRelease: boolean
}

/** Said to a slot that will not be needed again, before it is stopped. */
export const RETIRE = 'retire'
/** Said by a slot whose session is empty and ended. */
export const RETIRED = 'retired'

/** One worker of a WorkerManager, in its process. */
export class MqttSlot extends ProcessWorker<MqttSlotOptions> {
  static override readonly module: string = import.meta.url
  #service: TopicService | undefined
  #isRetiring = false

  override get queueSize(): number {
    return this.#service?.depth ?? 0
  }

  override get processedCount(): number {
    return this.#service?.consumer.processed ?? 0
  }

  override get errorCount(): number {
    return this.#service?.consumer.failed ?? 0
  }

  protected override receive(message: unknown): void {
    if (message === RETIRE) this.#isRetiring = true
  }

  protected override async setup(): Promise<void> {
    const { slot, source, groupName, connection, isRelease } = this.options
    const router = await loadRouter(source)
    const { timeout, retry, deadLetter, drainTimeout } = CONSUMER_RULES
    const checked = {
      timeout: timeout(this.options.timeout, 'timeout'),
      retry: retry(this.options.retry, 'retry'),
      deadLetter: deadLetter(this.options.deadLetter, 'deadLetter'),
      drainTimeout: drainTimeout(this.options.drainTimeout, 'drainTimeout'),
    }
    this.#service = new TopicService({
      ...{ worker: this.name, logger: this.logger, router, groupName, connection },
      defaults: workerDefaults(checked, groupName),
      serves: (route) => serves(route, slot),
    })
    await (isRelease ? this.#service.reopen() : this.#service.open())
  }

  protected override async main(): Promise<void> {
    const service = this.#service!
    if (this.options.isRelease) return this.#retire(service)
    const failure = await Promise.race([service.failed, stopOf(this.signal)])
    if (failure !== undefined) throw failure
    if (this.#isRetiring) return this.#retire(service)
    if (!(await service.close())) {
      this.logger.warn({}, 'not all messages were handled in time: the broker sends them again')
    }
  }

  protected override async teardown(): Promise<void> {
    await this.#service?.abandon()
  }

  protected override onQuiet(isQuiet: boolean): void {
    this.#service?.consumer.hold(isQuiet)
  }

  async #retire(service: TopicService): Promise<void> {
    if (await service.leave()) return this.message(RETIRED)
    throw new MillhandError(
      'SHUTDOWN',
      `the session of client ${this.options.connection.clientId} still has messages: the broker keeps it`,
    )
  }
}
