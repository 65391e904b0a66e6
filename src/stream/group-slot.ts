import { toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isHearing } from '../worker/lifecycle.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import { isControl, type Begin, type FromWorker, type ToWorkerBody } from './control.ts'
import type { SlotLink } from './slot-link.ts'
import { Suspicion } from './suspicion.ts'
import type { WorkerStats } from './worker-stats.ts'

/** What a slot asks of its group. */
export interface SlotHost {
  readonly logger: Logger
  readonly maxCrashes: number
  /** Sends the states of what the slot owns, and says what it is to begin with. */
  prepare(slot: GroupSlot): Promise<Pick<Begin, 'settings' | 'outputs' | 'grants'>>
  /** The worker reads messages. @param error what the life before it died of. */
  onLive(slot: GroupSlot, error: Error | undefined): void
  /** Its life is over. */
  onDeath(slot: GroupSlot): void
  onPoison(slot: GroupSlot): void
  hear(slot: GroupSlot, message: FromWorker): void
}

/** One slot of a group: the lives of its worker, one after the other, each with an epoch of its own. */
export class GroupSlot {
  readonly id: number
  readonly handle: WorkerHandle
  readonly link: SlotLink
  readonly #host: SlotHost
  readonly #suspicion: Suspicion
  readonly #unsubscribe: readonly (() => void)[]
  #isLive = false
  #live = Promise.withResolvers<void>()
  #lives = 0
  #error: Error | undefined
  #hasCrashed = false
  /** How much of what the present life emitted has arrived. */
  #taken = 0
  #stats: WorkerStats | undefined
  #onStats: PromiseWithResolvers<WorkerStats> | undefined

  constructor(id: number, handle: WorkerHandle, link: SlotLink, host: SlotHost) {
    this.id = id
    this.handle = handle
    this.link = link
    this.#host = host
    this.#suspicion = new Suspicion(host.maxCrashes)
    const { events } = handle
    this.#unsubscribe = [
      events.on('startup', () => this.#onStartup()),
      events.on('shutdown', ({ error }) => this.#onShutdown(error)),
      events.on('message', ({ message }) => this.#onMessage(message)),
    ]
  }

  /** Its worker reads messages. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Of the present life, as it told last. */
  get stats(): WorkerStats | undefined {
    return this.#stats
  }

  /** Resolves when it is live: at once if it is. */
  live(): Promise<void> {
    return this.#live.promise
  }

  /** To its present life; nobody hears it when there is none. */
  send(message: ToWorkerBody): void {
    // One that stops waits to hear that what it emitted has arrived.
    if (!isHearing(this.handle.state)) return
    this.handle.send({ stream: true, epoch: this.link.epoch, ...message })
  }

  /** Asks for the figures of now. Never resolves when its worker has ended. */
  askStats(): Promise<WorkerStats> {
    const asked = (this.#onStats ??= Promise.withResolvers())
    this.send({ kind: 'stats' })
    return asked.promise
  }

  /** So many emits of the life of that epoch have arrived. */
  taken(epoch: number, count: number): void {
    if (epoch !== this.link.epoch) return
    this.#taken += count
    this.send({ kind: 'emitted', count: this.#taken })
  }

  close(): void {
    for (const off of this.#unsubscribe) off()
    this.link.detach()
  }

  #onStartup(): void {
    const life = ++this.#lives
    void this.#tryBegin(life)
  }

  async #tryBegin(life: number): Promise<void> {
    try {
      await this.#begin(life)
    } catch (thrown) {
      if (life !== this.#lives) return
      const error = toError(thrown)
      this.#host.logger.error({ err: error, slot: this.id }, 'a worker cannot be given its messages')
      await this.handle.kill({ kind: 'deadline', error })
    }
  }

  async #begin(life: number): Promise<void> {
    // Not at its death: what it said that it was done with may still have been on its way then.
    if (this.#hasCrashed) this.#suspicion.onCrash(this.link.head, this.link.depth)
    else this.#suspicion.clear()
    const door = await this.link.open()
    if (life !== this.#lives) return
    const careful = this.#suspicion.isUnderSuspicion ? this.link.depth : 0
    const isPoisoned = this.link.depth > 0 && this.#suspicion.isPoison(this.link.head)
    const prepared = await this.#host.prepare(this)
    if (life !== this.#lives) return
    if (isPoisoned) this.#host.onPoison(this)
    this.send({ kind: 'begin', begin: { door, ...prepared, careful, isPoisoned } })
  }

  #onShutdown(cause: Error | undefined): void {
    this.#lives++
    const { isLive } = this
    this.#isLive = false
    if (isLive) this.#live = Promise.withResolvers()
    this.#onStats = undefined
    this.#error = cause
    this.#hasCrashed = cause !== undefined
    this.#taken = 0
    this.#host.onDeath(this)
  }

  #onMessage(message: unknown): void {
    if (!isControl(message)) return
    const said = message as FromWorker
    // Of an earlier life.
    if (said.epoch !== this.link.epoch) return
    if (said.kind === 'begun') {
      this.#isLive = true
      this.#live.resolve()
      this.#host.onLive(this, this.#error)
      this.#error = undefined
    } else if (said.kind === 'stats') {
      this.#stats = said.stats
      this.#onStats?.resolve(said.stats)
      this.#onStats = undefined
      this.#host.hear(this, said)
    } else {
      this.#host.hear(this, said)
    }
  }
}
