import { formatMs, toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, ShutdownError, toError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { checkOptions } from '../core/options.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause } from '../core/telemetry.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import { defaultName } from '../worker/name.ts'
import type { WorkerClass } from '../worker/placement/runner.ts'
import { Lane } from './lane.ts'
import { makeSlot } from './make-slot.ts'
import type { Member } from './member.ts'
import { Numbered } from './numbered.ts'
import type { RestartPolicy } from './restart-policy.ts'
import { Autoscaler, viewOf } from './scaling.ts'
import type { Slot } from './slot.ts'
import { killAll, KILL_GRACE_MS } from './shutdown.ts'
import { slotStatus, type SlotStatus } from './slot-status.ts'
import { restartRulesOf, SUPERVISION_RULES, type SupervisionOptions } from './supervision-options.ts'
import { Supervisor } from './supervisor.ts'
import { GROUP_RULES, type WorkerGroupEvents, type WorkerGroupOptions } from './worker-group-options.ts'

/**
 * So many workers of one class, each in a slot of its own that keeps its number and name while workers come and go.
 *
 *     const hashers = new WorkerGroup(HashCalculator, { replicas: 4, options: { root: '/srv/files' } })
 *     server.add(hashers)
 *     await hashers.scale(6)
 *
 * Workers that fail are started again one by one, as in a server.
 */
export class WorkerGroup<Options extends object = object> implements Member {
  readonly name: string
  readonly events: Emitter<WorkerGroupEvents> = new Emitter()
  readonly #class: WorkerClass
  readonly #options: ReturnType<typeof checkOptions<typeof GROUP_RULES>>
  readonly #supervision: SupervisionOptions
  readonly #supervisor: Supervisor
  readonly #autoscaler: Autoscaler | undefined
  readonly #slots = new Numbered<Slot>()
  #isAlive = false
  #isQuiet = false
  #ended: Promise<void> = Promise.resolve()
  #started: Promise<void> = Promise.resolve()
  /** What is asked of the group as a whole is done one after the other. */
  readonly #lane = new Lane()

  /** @throws InvalidOptionError naming the option. */
  constructor(
    workerClass: new (options: never) => InstanceType<WorkerClass>,
    options?: WorkerGroupOptions<Options>,
  ) {
    const checked = checkOptions('WorkerGroup', GROUP_RULES, options)
    const { minReplicas: min, maxReplicas: max, replicas = min } = checked
    if (min > max)
      throw new InvalidOptionError(
        'minReplicas',
        `expected minReplicas to be at most maxReplicas (${max}), got: ${min}`,
      )
    this.#class = workerClass
    this.#options = checked
    this.name = checked.name ?? defaultName(workerClass.name)
    const own = Object.entries(options ?? {}).filter(([name]) => Object.hasOwn(SUPERVISION_RULES, name))
    this.#supervision = Object.fromEntries(own)
    this.#supervisor = new Supervisor({
      ...restartRulesOf(checked),
      strategy: 'one-for-one',
      stopTimeoutMs: checked.stopTimeout ?? 30_000,
      logger: checked.logger,
      onGiveUp: ({ name }, error, reason) => this.#onGiveUp(name, error, reason),
    })
    this.#autoscaler =
      checked.scaling === undefined
        ? undefined
        : new Autoscaler(checked.scaling, checked.scaleEvery, {
            view: () => viewOf(this.status()),
            scale: (n) => this.scale(Math.min(max, Math.max(min, n))),
            logger: checked.logger.child({ group: this.name }),
          })
    this.#checkCount('replicas', replicas)
    for (let slot = 0; slot < replicas; slot++) this.#place(slot)
  }

  /** A group as a whole is not started again by its server: its workers are, one by one. */
  get restart(): RestartPolicy {
    return 'temporary'
  }

  get sharesFate(): boolean {
    return true
  }

  get stopTimeoutMs(): number | undefined {
    return this.#options.stopTimeout
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** What one of its workers was given up for. */
  get error(): Error | undefined {
    return this.#supervisor.failed()[0]?.error
  }

  /** How many slots there are. */
  get replicas(): number {
    return this.#slots.size
  }

  /** The workers, by slot. */
  get handles(): readonly WorkerHandle[] {
    return this.#slots.values().map(({ handle }) => handle)
  }

  /** Starts all workers at once. Rejects, with all of them stopped again, when one cannot start. */
  start(): Promise<void> {
    if (!this.#isAlive) {
      this.#isAlive = true
      this.#started = this.#begin()
    }
    return this.#started
  }

  /**
   * Asks all workers to stop, at once. Never rejects.
   * @param options.timeout then those that are left are killed. Default: none, however long.
   */
  async stop(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const ms = options.timeout === undefined ? undefined : toMs(options.timeout, 'timeout')
    this.#close(new ShutdownError(`group ${this.name} was asked to stop`))
    const stopped = this.#stopped()
    if (ms === undefined) return stopped
    if (await settledWithin(stopped, ms)) return
    const error = new ShutdownError(`group ${this.name} did not stop within ${formatMs(ms)}`)
    await killAll([this], { kind: 'deadline', error })
  }

  async kill(cause: KillCause): Promise<void> {
    this.#close(cause.error)
    await Promise.all(this.#slots.values().map((slot) => slot.kill(cause)))
  }

  ended(): Promise<void> {
    return this.#ended
  }

  /**
   * Adds or drains workers, one slot at a time; the others are not touched. The highest slots go first.
   * @throws InvalidOptionError when `n` is below minReplicas or above maxReplicas; what a new worker could not
   * start for, after which there are as many as before it.
   */
  scale(n: number): Promise<void> {
    this.#checkCount('replicas', n)
    return this.#lane.run(async () => {
      for (let from = this.replicas; from !== n; from = this.replicas) {
        if (from < n) await this.#grow()
        else await this.#shrink()
        this.events.emit('scaled', { group: this.name, from, to: this.replicas })
      }
    })
  }

  /**
   * Replaces the workers, one at a time: with `reload: 'surge'` the new one is ready before the old one drains.
   * @throws what a new worker could not start for; the others are then left as they are.
   */
  reload(): Promise<void> {
    return this.#lane.run(async () => {
      for (const slot of this.#slots.values()) await this.#supervisor.renew(slot)
    })
  }

  async surge(): Promise<boolean> {
    await this.reload()
    return true
  }

  quiet(): void {
    this.#isQuiet = true
    for (const handle of this.handles) handle.quiet()
  }

  resume(): void {
    this.#isQuiet = false
    for (const handle of this.handles) handle.resume()
  }

  /** Its slots, in order. */
  status(): SlotStatus[] {
    return this.#slots.entries().map(([number, slot]) => slotStatus(number, slot.handle.status()))
  }

  claims(name: string): boolean {
    const isSlot = name.startsWith(`${this.name}-`) && /^\d+$/.test(name.slice(this.name.length + 1))
    return isSlot || name === this.name
  }

  async #begin(): Promise<void> {
    const ended = Promise.withResolvers<void>()
    this.#ended = ended.promise
    this.#supervisor.open()
    let failure: Error | undefined
    try {
      await this.#lane.run(() => this.#startAll())
    } catch (thrown) {
      failure = toError(thrown)
    }
    const over = this.#supervisor.ended().then(() => {
      this.#autoscaler?.stop()
      this.#isAlive = false
      ended.resolve()
    })
    if (failure === undefined) return
    // Inline code that hangs does not end.
    await settledWithin(over, KILL_GRACE_MS)
    throw failure
  }

  async #startAll(): Promise<void> {
    const slots = this.#slots.values()
    try {
      await Promise.all(slots.map((slot) => this.#supervisor.start(slot)))
    } catch (thrown) {
      await Promise.all(slots.map((slot) => this.#supervisor.stop(slot)))
      throw thrown
    }
    if (!this.#supervisor.isClosed) this.#autoscaler?.start()
  }

  #close(reason: Error): void {
    this.#autoscaler?.stop()
    this.#supervisor.close(reason)
  }

  /** Asks all workers to end; resolves when nothing of the group goes on. */
  async #stopped(): Promise<void> {
    await Promise.all(this.#slots.values().map((slot) => slot.stop()))
    await this.#lane.run(() => Promise.resolve())
    await this.#ended
  }

  #onGiveUp(worker: string, error: Error, reason: string): void {
    const { logger } = this.#options
    logger.error(
      { worker, err: error },
      `worker ${worker} ${reason} and is given up: group ${this.name} goes on without it`,
    )
    this.events.emit('failed', { worker, error, reason })
  }

  async #grow(): Promise<void> {
    const number = this.#slots.lowestFree
    const slot = this.#place(number)
    this.events.emit('placed', { slot: number, handle: slot.handle })
    if (this.#isQuiet) slot.quiet()
    if (!this.#isAlive) return
    try {
      await this.#supervisor.start(slot)
    } catch (thrown) {
      this.#remove(number, slot)
      throw toError(thrown)
    }
  }

  async #shrink(): Promise<void> {
    const [number, slot] = this.#slots.entries().at(-1)!
    await this.#supervisor.stop(slot)
    this.#remove(number, slot)
  }

  #place(number: number): Slot {
    const { options, logger } = this.#options
    const own = typeof options === 'function' ? options(number) : options
    const named = { logger, ...own, name: `${this.name}-${number}` }
    const slot = makeSlot(this.#class, named, this.#supervision, (oversized, cause) =>
      this.#supervisor.recycle(oversized, cause),
    )
    this.#slots.set(number, slot)
    this.#supervisor.add(slot)
    return slot
  }

  #remove(number: number, slot: Slot): void {
    this.#slots.delete(number)
    this.#supervisor.remove(slot)
  }

  #checkCount(option: string, n: number): void {
    const { minReplicas, maxReplicas } = this.#options
    if (Number.isInteger(n) && n >= minReplicas && n <= maxReplicas) return
    throw new InvalidOptionError(
      option,
      `expected ${option} of group ${this.name} to be an integer from minReplicas ${minReplicas} to maxReplicas ${maxReplicas}, got: ${n}`,
    )
  }
}
