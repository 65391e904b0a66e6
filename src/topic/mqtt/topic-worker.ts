import { checkOptions, custom, optional, string, type Rule } from '../../core/options.ts'
import { Worker } from '../../worker/worker.ts'
import type { WorkerOptions } from '../../worker/worker-options.ts'
import { Router } from '../router.ts'
import { connectionOptions, type BrokerOptions } from './broker-options.ts'
import { CONSUMER_RULES, workerDefaults, type ConsumerOptions } from './consumer-options.ts'
import { mqttEnvironment } from './environment.ts'
import { TopicService } from './topic-service.ts'

export interface TopicWorkerOptions extends ConsumerOptions, WorkerOptions {
  readonly router: Router<string>
  /** Who shares the messages of shared routes with us. Default: MQTT_GROUP_NAME, else mqtt_framework_group. */
  readonly groupName?: string
  /** Who we are to the broker: the same from run to run, and nobody else's. Default: MQTT_CLIENT_ID, else mqtt-worker. */
  readonly clientId?: string
  /** How to reach the broker. Default: what the environment says, else mqtt://localhost:1883. */
  readonly connection?: BrokerOptions
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
const own: Rule<unknown> = (value) => value

const RULES = {
  ...CONSUMER_RULES,
  router: custom<Router<string>>('a Router', (value) => value instanceof Router),
  groupName: optional(string()),
  clientId: optional(string()),
  connection: custom<BrokerOptions>('an object', isObject, () => ({})),
  // Those of every worker have been looked at already.
  name: own,
  logger: own,
}

/**
 * Handles the messages of all routes of a router, in this process:
 *
 *     await new Server().add(new TopicWorker({ router, connection: { url: 'mqtt://localhost' } })).runForever()
 *
 * A stop handles what has arrived, leaves the rest unacknowledged, and keeps the session at the broker, which saves
 * what comes meanwhile for the next start. For several processes see WorkerManager.
 */
export class TopicWorker extends Worker<TopicWorkerOptions> {
  readonly #make: () => TopicService
  #service: TopicService | undefined
  #before = { processed: 0, failed: 0 }

  /** @throws InvalidOptionError naming the option. */
  constructor(options: TopicWorkerOptions) {
    super(options)
    const checked = checkOptions('TopicWorker', RULES, options)
    const environment = mqttEnvironment()
    const { router, groupName = environment.groupName, clientId = environment.clientId } = checked
    const connection = connectionOptions(checked.connection, environment, clientId)
    const defaults = workerDefaults(checked, groupName)
    this.#make = () =>
      new TopicService({ worker: this.name, logger: this.logger, router, groupName, connection, defaults })
  }

  /** Messages that have arrived and are not done. */
  override get queueSize(): number {
    return this.#service?.depth ?? 0
  }

  override get processedCount(): number {
    return this.#before.processed + (this.#service?.consumer.processed ?? 0)
  }

  override get errorCount(): number {
    return this.#before.failed + (this.#service?.consumer.failed ?? 0)
  }

  protected override async setup(): Promise<void> {
    this.#before = { processed: this.processedCount, failed: this.errorCount }
    this.#service = this.#make()
    await this.#service.open()
  }

  protected override async main(): Promise<void> {
    const service = this.#service!
    const failure = await Promise.race([service.failed, stopOf(this.signal)])
    if (failure !== undefined) throw failure
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
}

/** Resolves when `signal` aborts. */
export function stopOf(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
