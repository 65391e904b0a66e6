import { toMs, type Duration } from '../../core/duration.ts'
import { StateError } from '../../core/errors.ts'
import { Emitter } from '../../core/events.ts'
import { Membership } from './membership.ts'
import type { ShardHints, ShardStore } from './shard-store.ts'
import type { Assignment, SourceConsumer, SourceEvents, SourceStatus, StreamSource } from './source.ts'
import type { CheckedSourceOptions } from './source-options.ts'

const STOP_TIMEOUT_MS = 30_000

/**
 * A source over a store that only knows leases, which a server of any kind can be; who owns what is settled among the
 * processes. `redisStream().source()` makes one.
 */
export class LeasedSource implements StreamSource {
  readonly name: string
  readonly events: Emitter<SourceEvents> = new Emitter()
  readonly #connect: (hints: ShardHints) => ShardStore
  readonly #options: CheckedSourceOptions
  #membership: Membership | undefined
  #leaving: Promise<void> | undefined

  /** @param connect opens the store, for one start; it is closed again at the stop. */
  constructor(name: string, connect: (hints: ShardHints) => ShardStore, options: CheckedSourceOptions) {
    this.name = name
    this.#connect = connect
    this.#options = options
  }

  async start(consumer: SourceConsumer): Promise<void> {
    await this.#leaving
    if (this.#membership !== undefined)
      throw new StateError(`expected the source ${this.name} to be stopped before it is started again`)
    const { name, events } = this
    const membership = new Membership({
      ...{ name, events, consumer },
      connect: this.#connect,
      options: this.#options,
    })
    this.#membership = membership
    try {
      await membership.join()
    } catch (error) {
      if (this.#membership === membership) this.#membership = undefined
      throw error
    }
  }

  stop(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const timeoutMs = toMs(options.timeout ?? STOP_TIMEOUT_MS, 'timeout')
    const membership = this.#membership
    if (membership === undefined || this.#leaving !== undefined) return this.#leaving ?? Promise.resolve()
    this.#leaving = membership.leave(timeoutMs).then(() => {
      this.#membership = undefined
      this.#leaving = undefined
    })
    return this.#leaving
  }

  commit(assignment: Assignment, offset: string): void {
    this.#membership?.commit(assignment, offset)
  }

  status(): SourceStatus {
    return this.#membership?.status() ?? STOPPED
  }
}

const STOPPED: SourceStatus = {
  member: '',
  members: 0,
  shards: 0,
  owned: [],
  recordsRead: 0,
  recordsLost: 0,
  fencedCommits: 0,
  isHeld: false,
}
