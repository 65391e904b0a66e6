import { totalmem } from 'node:os'
import { toBytes } from '../../core/byte-size.ts'
import type { Duration } from '../../core/duration.ts'
import { InvalidOptionError, StateError, show } from '../../core/errors.ts'
import { Emitter } from '../../core/events.ts'
import type { ScalingRule } from '../../server/scaling.ts'
import { refuseInChild } from '../../worker/placement/child-scope.ts'
import { Router } from '../router.ts'
import { connectionOptions } from './broker-options.ts'
import { mqttEnvironment } from './environment.ts'
import { groupHealth, type GroupHealth } from './health.ts'
import { LoadMeter } from './load-meter.ts'
import { checkManagerOptions, type CheckedManager, type WorkerManagerOptions } from './manager-options.ts'
import { MqttGroup } from './mqtt-group.ts'
import type { MqttSlotOptions } from './mqtt-slot-entry.ts'
import { ResourceWatch, type ResourceWarning } from './resource-watch.ts'
import { filtersOf, loadRouter, type RouterSource } from './router-source.ts'
import { wantedWorkers } from './scaling-rule.ts'
import { sharedRoutesInfo, type SharedRouteInfo } from './shared-routes.ts'
import { askedWorkers, usefulWorkers } from './slots.ts'

export interface WorkerManagerEvents {
  /** There is one more worker, or one fewer; the others were not touched. */
  scaled: { readonly from: number; readonly to: number }
  /** A worker failed too often and is given up; the others go on. */
  failed: { readonly worker: string; readonly error: Error; readonly reason: string }
  /** A worker uses more than `warnPercent`. */
  resources: ResourceWarning
}

/** No group has more processes. */
const MAX_WORKERS = 64

/**
 * Handles the messages of a router in several processes, which share those of its shared routes:
 *
 *     // sensors.ts: importing it starts nothing
 *     export const router = new Router()
 *     router.on('sensors/{id}/temperature', handler, { shared: true, workerCount: 4 })
 *     export const workers = new WorkerManager(router, { groupName: 'sensors', module: import.meta.url })
 *
 *     // main.ts
 *     await workers.startWorkers()
 *
 * Each worker is a slot with a session of its own at the broker. One that dies is started again and finds what it had
 * not acknowledged; nobody else is touched. Routes that are not shared are served by slot 0.
 */
export class WorkerManager {
  readonly events: Emitter<WorkerManagerEvents> = new Emitter()
  readonly #options: CheckedManager
  readonly #groupName: string
  readonly #source: RouterSource
  #router: Router<string> | undefined
  #group: MqttGroup | undefined
  #starting: Promise<void> | undefined
  #timers: NodeJS.Timeout[] = []

  /**
   * @param router undefined when all routers are in `routerDirectory`.
   * @throws InvalidOptionError naming the option.
   */
  constructor(router: Router<string> | undefined, options?: WorkerManagerOptions) {
    if (router !== undefined && !(router instanceof Router)) {
      throw new InvalidOptionError('router', `expected router to be a Router, got: ${show(router)}`)
    }
    const checked = checkManagerOptions(options, router !== undefined)
    const { module: file, routerDirectory: directory } = checked
    this.#options = checked
    this.#groupName = checked.groupName ?? mqttEnvironment().groupName
    this.#source = {
      ...(router !== undefined && file !== undefined && { module: { file, filters: filtersOf(router) } }),
      ...(directory !== undefined && { directory }),
    }
    if (directory === undefined) this.#router = router
    else if (router !== undefined) this.#beside = router
  }

  /** The router that was given beside a directory. */
  #beside: Router<string> | undefined

  /** Loads the routers of the directory. @throws MillhandError with file and line; InvalidOptionError for two routes alike. */
  async load(): Promise<Router<string>> {
    if (this.#router !== undefined) return this.#router
    const { directory } = this.#source
    const found = await loadRouter(directory === undefined ? {} : { directory })
    this.#router = this.#beside === undefined ? found : new Router().include(this.#beside).include(found)
    return this.#router
  }

  /**
   * The group of worker processes, for a Server to mind; `startWorkers` minds it by itself.
   * @param n how many there are at the start. Default: the largest `workerCount` of the routes, else 1.
   * @returns undefined when there are no routes.
   * @throws InvalidOptionError when so many would have nothing to do, with what the routes ask for.
   */
  async workers(n?: number): Promise<MqttGroup | undefined> {
    const router = await this.load()
    if (this.#group !== undefined) return this.#group
    const routes = router.routes()
    const replicas = n ?? askedWorkers(routes)
    if (replicas === 0 && n === undefined) return undefined
    const most = Math.min(MAX_WORKERS, usefulWorkers(routes))
    this.#checkCount(replicas, most)
    const { name, logger, scaling, supervision, connection } = this.#options
    const isDurable = connection.sessionExpiry === undefined || connection.sessionExpiry !== 0
    const group = new MqttGroup({
      ...supervision,
      ...{ name, logger, replicas, maxReplicas: most },
      options: (slot) => this.#slotOptions(slot),
      slotsToLookAt: isDurable ? MAX_WORKERS : 0,
      ...(scaling !== undefined && { scaling: this.#scalingRule(), scaleEvery: scaling.everyMs }),
    })
    group.events.on('scaled', ({ from, to }) => this.events.emit('scaled', { from, to }))
    group.events.on('failed', (failed) => this.events.emit('failed', failed))
    this.#group = group
    this.#watchResources(group)
    return group
  }

  /**
   * Starts the workers; resolves when all are connected and subscribed. A second call gives the same promise.
   * @param n as of `workers`.
   * @throws what a router could not be loaded for, or a worker could not start for; none is left running then.
   */
  startWorkers(n?: number): Promise<void> {
    refuseInChild('WorkerManager.startWorkers')
    this.#starting ??= this.#start(n).catch((error: unknown) => {
      this.#starting = undefined
      this.#end()
      throw error
    })
    return this.#starting
  }

  /**
   * Asks all workers to end: they handle what has arrived, and their sessions stay at the broker, which saves what
   * comes meanwhile. Never rejects; harmless twice.
   * @param options.timeout then those that are left are killed. Default: their stopTimeout, 30 s.
   */
  async stopWorkers({ timeout = '30s' }: { readonly timeout?: Duration } = {}): Promise<void> {
    // Its routers may still be loading; what it starts then is to end too.
    if (this.#group === undefined) await this.#starting?.catch(() => {})
    const group = this.#group
    this.#end()
    await group?.stop({ timeout })
  }

  /** How many workers there are. */
  getWorkerCount(): number {
    return this.#group?.replicas ?? 0
  }

  /** @throws StateError before the directory of routers was loaded. */
  getSharedRoutesInfo(): SharedRouteInfo[] {
    if (this.#router === undefined) {
      throw new StateError('the directory of routers is not loaded yet: await load() or startWorkers() first')
    }
    return sharedRoutesInfo(this.#router.routes())
  }

  /**
   * Adds or drains workers one at a time, the highest slots first; the others are not touched, and nothing is lost.
   * @throws StateError when they were not started; InvalidOptionError when so many would have nothing to do; what a
   * new worker could not start for.
   */
  async scaleTo(n: number): Promise<void> {
    const group = this.#group
    if (group === undefined) throw new StateError('expected the workers to be started before they are scaled')
    this.#checkCount(n, Math.min(MAX_WORKERS, usefulWorkers(this.#router!.routes())))
    await group.scale(n)
  }

  /** Each worker at this moment. */
  health(): GroupHealth {
    const group = this.#group
    if (group === undefined) return { total: 0, active: 0, workers: [] }
    const slots = group.status()
    return groupHealth(slots, (id) => group.handles[slots.findIndex((slot) => slot.id === id)]?.error)
  }

  async #start(n: number | undefined): Promise<void> {
    const group = await this.workers(n)
    if (group === undefined) {
      this.#options.logger.warn({}, 'the router has no routes: no worker is started')
      return
    }
    await group.start()
  }

  #end(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#starting = undefined
    this.#group = undefined
  }

  #slotOptions(slot: number): MqttSlotOptions {
    const { connection, clientId, timeout, retry, deadLetter, drainTimeout } = this.#options
    const environment = mqttEnvironment()
    return {
      ...{ slot, source: this.#source, groupName: this.#groupName, isRelease: false },
      connection: connectionOptions(connection, environment, `${clientId ?? environment.clientId}-${slot}`),
      ...(timeout !== undefined && { timeout }),
      ...(retry !== undefined && { retry }),
      ...(deadLetter !== undefined && { deadLetter }),
      ...(drainTimeout !== undefined && { drainTimeout }),
    }
  }

  #scalingRule(): ScalingRule {
    const { depth, limits, everyMs } = this.#options.scaling!
    const meter = new LoadMeter(depth, this.#options.logger)
    void meter.ask()
    this.#timers.push(setInterval(() => void meter.ask(), everyMs / 3).unref())
    return (view) => wantedWorkers(meter.measure(view, performance.now()), limits)
  }

  #watchResources(group: MqttGroup): void {
    const { logger, warnPercent, warnEvery, supervision } = this.#options
    const memoryBytes =
      supervision.maxMemory === undefined
        ? Math.min(process.constrainedMemory() || Infinity, totalmem())
        : toBytes(supervision.maxMemory, 'maxMemory')
    const watch = new ResourceWatch({ warnPercent, memoryBytes })
    const look = (): void => {
      for (const warning of watch.look(group.status())) {
        const { worker, resource, percent } = warning
        logger.warn(warning, `worker ${worker} uses ${percent} % of its ${resource}`)
        this.events.emit('resources', warning)
      }
    }
    this.#timers.push(setInterval(look, warnEvery).unref())
  }

  #checkCount(n: number, most: number): void {
    if (Number.isInteger(n) && n >= 1 && n <= most) return
    const why =
      most < MAX_WORKERS
        ? `: no route asks for more; a shared route without workerCount is served by all`
        : ''
    throw new InvalidOptionError(
      'workers',
      `expected the number of workers to be an integer from 1 to ${most}${why}, got: ${show(n)}`,
    )
  }
}
