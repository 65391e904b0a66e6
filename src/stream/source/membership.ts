import { BackendError, toError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import { randomText } from '../../core/id.ts'
import { settledWithin, sleep } from '../../core/sleep.ts'
import { balance } from './balance.ts'
import { Beats } from './beats.ts'
import { Committer } from './committer.ts'
import { HeldShard, type ShardObserver } from './held-shard.ts'
import { LeaseTerm } from './lease-term.ts'
import type { GroupView, Release, ShardHints, ShardStore } from './shard-store.ts'
import type { Assignment, SourceConsumer, SourceEvents, SourceRecord, SourceStatus } from './source.ts'
import type { CheckedSourceOptions } from './source-options.ts'

export interface MembershipOptions {
  readonly name: string
  readonly connect: (hints: ShardHints) => ShardStore
  readonly consumer: SourceConsumer
  readonly options: CheckedSourceOptions
  readonly events: Emitter<SourceEvents>
}

const RELEASE_RETRY_MS = 100

/**
 * One process in a group, from its start to its stop. It beats: renews its leases, sees who is there and who owns
 * what, gives up what should not be its own by `balance`, and takes what should and is free.
 */
export class Membership implements ShardObserver {
  readonly member: string = randomText(20)
  readonly #options: MembershipOptions
  readonly #store: ShardStore
  readonly #term: LeaseTerm
  readonly #beats: Beats
  readonly #committer: Committer
  readonly #held = new Map<number, HeldShard>()
  /** The last times that shards were owned: the next of each waits for its end. */
  readonly #before = new Map<number, Promise<void>>()
  readonly #givingUp = new WeakMap<HeldShard, Promise<void>>()
  #isOver = false
  #members = 0
  #shards = 0
  #recordsRead = 0
  #recordsLost = 0
  #fencedCommits = 0
  #isLeaving = false

  constructor(options: MembershipOptions) {
    const { connect, options: checked } = options
    this.#options = options
    this.#term = new LeaseTerm(checked.lease)
    this.#beats = new Beats({
      round: () => this.#round(),
      everyMs: checked.lease / 3,
      retryMs: checked.lease / 10,
      onError: (error) => this.onError(error),
    })
    this.#store = connect({
      onChange: () => this.#beats.hint(),
      onRecords: (shard) => this.#held.get(shard)?.hint(),
    })
    this.#committer = new Committer({
      store: this.#store,
      member: this.member,
      everyMs: checked.commitEvery,
      isCurrent: ({ shard, token }) => {
        const held = this.#held.get(shard)
        return held?.token === token && !held.isReleased
      },
      onCommitted: ({ shard, offset }) => {
        this.#held.get(shard)!.committed = offset
      },
      onFenced: ({ shard, token }) => {
        this.#fencedCommits++
        this.#emit('fenced', { shard, token })
        this.#lose(this.#held.get(shard)!)
      },
      onError: (error) => this.onError(error),
    })
  }

  /** @throws what cannot mend by itself. */
  async join(): Promise<void> {
    const error = await this.#beats.start()
    if (error === undefined || (error instanceof BackendError && error.retryable)) return
    this.#close()
    throw error
  }

  /** Drains and gives up all; what is not done by then is left to others. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    this.#isLeaving = true
    // Beating goes on meanwhile: what is being drained must stay owned.
    const given = Promise.all([...this.#held.values()].map((held) => this.#giveUp(held)))
    await settledWithin(given, timeoutMs)
    this.#isOver = true
    await this.#beats.stop()
    const undone = [...this.#held.values()]
    for (const held of undone) this.#remove(held, 'lost')
    try {
      await this.#store.release(this.member, undone.map(releaseOf))
      await this.#store.leave(this.member)
    } catch (error) {
      // Then the others wait for the end of the lease.
      this.onError(toError(error))
    }
    this.#close()
  }

  commit(assignment: Assignment, offset: string): void {
    const { shard, token } = assignment
    const held = this.#held.get(shard)
    if (held !== assignment) return
    held.done = offset
    this.#committer.add({ shard, token, offset })
  }

  status(): SourceStatus {
    return {
      member: this.member,
      members: this.#members,
      shards: this.#shards,
      owned: [...this.#held.values()].map((held) => held.status()).toSorted((a, b) => a.shard - b.shard),
      recordsRead: this.#recordsRead,
      recordsLost: this.#recordsLost,
      fencedCommits: this.#fencedCommits,
      isHeld: this.#term.holds,
    }
  }

  onRead(records: readonly SourceRecord[]): void {
    this.#recordsRead += records.length
  }

  onGap(shard: number, lost: number): void {
    this.#recordsLost += lost
    this.#emit('gap', { shard, lost })
  }

  onError(error: Error): void {
    this.#emit('error', { error })
  }

  #emit<K extends keyof SourceEvents>(event: K, fields: Omit<SourceEvents[K], 'source'>): void {
    const { events, name } = this.#options
    events.emit(event, { source: name, ...fields } as SourceEvents[K])
  }

  async #round(): Promise<void> {
    const askedAt = performance.now()
    const view = await this.#store.beat(this.member)
    if (this.#isOver) return
    this.#members = view.members.length
    this.#shards = view.shards
    for (const held of this.#held.values()) {
      const lease = view.leases.get(held.shard)
      if (lease?.owner !== this.member || lease.token !== held.token) this.#lose(held)
    }
    // Not before: what was lost must not go on by a term that does not cover it.
    this.#term.renewed(askedAt)
    const owners = new Map([...view.leases].map(([shard, { owner }]) => [shard, owner]))
    const wanted = balance(view.shards, view.members, owners)
    const mine = new Set(wanted.flatMap((owner, shard) => (owner === this.member ? [shard] : [])))
    for (const held of this.#held.values()) {
      if (!mine.has(held.shard) && !held.isDraining) void this.#giveUp(held)
    }
    if (this.#isLeaving) return
    await this.#claim(view, mine)
    await this.#releaseForgotten(view, mine)
  }

  async #claim({ shards, leases }: GroupView, mine: ReadonlySet<number>): Promise<void> {
    const isFree = (shard: number): boolean => {
      const owner = leases.get(shard)?.owner
      // One of its own that it does not know was granted by a reply that got lost.
      return !this.#held.has(shard) && (owner === undefined || owner === this.member)
    }
    const free = [...mine].filter(isFree)
    if (free.length === 0) return
    const claims = await this.#store.claim(this.member, free)
    if (this.#isLeaving) return
    const { consumer, options } = this.#options
    for (const claim of claims) {
      const { shard, token } = claim
      const held = new HeldShard({
        ...{ claim, shards, consumer, options },
        store: this.#store,
        term: this.#term,
        observer: this,
        before: this.#before.get(shard),
      })
      this.#held.set(shard, held)
      this.#before.set(shard, held.ended())
      this.#store.watch(shard)
      this.#emit('assigned', { shard, token })
    }
  }

  /** Leases of its own that it does not know of, and should not have: granted by a reply that got lost. */
  async #releaseForgotten({ leases }: GroupView, mine: ReadonlySet<number>): Promise<void> {
    const forgotten = [...leases].filter(
      ([shard, { owner }]) => owner === this.member && !mine.has(shard) && !this.#held.has(shard),
    )
    if (forgotten.length === 0) return
    await this.#store.release(
      this.member,
      forgotten.map(([shard, { token }]) => ({ shard, token, offset: null })),
    )
  }

  /** Drains and releases it; one that is given up already is not given up twice. */
  #giveUp(held: HeldShard): Promise<void> {
    const going = this.#givingUp.get(held) ?? this.#release(held)
    this.#givingUp.set(held, going)
    return going
  }

  async #release(held: HeldShard): Promise<void> {
    await held.drain()
    held.isReleased = true
    for (;;) {
      if (held.signal.aborted) return
      try {
        await this.#store.release(this.member, [releaseOf(held)])
        break
      } catch (thrown) {
        this.onError(toError(thrown))
        // It is lost when its lease has run out, which beats will tell.
        if (!(await sleep(RELEASE_RETRY_MS, held.signal))) return
      }
    }
    held.committed = held.done
    this.#remove(held, 'released')
  }

  #lose(held: HeldShard): void {
    this.#remove(held, 'lost')
    this.#beats.hint()
  }

  #remove(held: HeldShard, why: 'released' | 'lost'): void {
    if (this.#held.get(held.shard) !== held) return
    this.#held.delete(held.shard)
    this.#store.unwatch(held.shard)
    held.end()
    this.#options.consumer.removed(held, why)
    this.#emit('removed', { shard: held.shard, why })
  }

  #close(): void {
    this.#isOver = true
    void this.#beats.stop()
    this.#committer.close()
    this.#term.wake()
    this.#store.close()
  }
}

function releaseOf({ shard, token, done: offset }: HeldShard): Release {
  return { shard, token, offset }
}
