import { systemClock } from '../../core/clock.ts'
import { JobCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { HeldClaim } from '../backend.ts'
import type { AnyQueue } from '../any-queue.ts'
import type { Attempt } from './attempt.ts'
import { LoopRenewer, type Renewal, type Renewer } from './renewer.ts'
import { ThreadRenewer } from './renewer-thread.ts'

export interface LeaseKeeperOptions {
  readonly queue: AnyQueue
  readonly owner: string
  readonly leaseMs: number
  /** The attempts whose handlers run. */
  readonly running: () => Iterable<Attempt>
  readonly onError: (error: unknown) => void
}

/**
 * Keeps the leases of what runs, and tells each handler at once when its lease is lost.
 *
 * Renewal happens in a thread of its own where the store can be opened there, so that a handler that blocks the
 * event loop does not cost its neighbours their leases; else on the loop. Either way no lease is renewed beyond
 * the timeout of its job: the store sees to that.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  #renewer: Renewer
  #renewing = false

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    const { queue, owner, leaseMs, onError } = options
    const task = { owner, leaseMs, onRenewal: (renewal: Renewal) => this.#compare(renewal), onError }
    const { url } = queue.backend.capabilities
    const loop = new LoopRenewer(queue.backend, task)
    this.#renewer =
      url === null ? loop : new ThreadRenewer(url, task, (cause) => this.#useInstead(loop, cause))
  }

  /** The thread is gone. Leases that are renewed from the loop are worth more than none, but it is said aloud. */
  #useInstead(loop: LoopRenewer, cause: Error): void {
    const message = `the thread that renews leases has ended; they are renewed on the event loop from now on: ${cause.message}`
    this.#options.onError(new Error(message, { cause }))
    const { times } = this.#renewer
    this.#renewer = loop
    loop.start(times)
  }

  /** There are leases to renew from now on. Calling it again is free. */
  start(): void {
    if (this.#renewing) return
    this.#renewing = true
    this.#renewer.start()
  }

  async stop(): Promise<void> {
    await this.#renewer.stop()
  }

  /** Asks the store now what is still held: something was cancelled, or leases may have run out. */
  async check(): Promise<void> {
    const { queue, owner, leaseMs } = this.#options
    const startedAt = systemClock.monotonic()
    this.#compare({ startedAt, held: await queue.backend.renew(owner, leaseMs) })
  }

  /** True when the lease of a claim that was asked for at `claimedAt` may be over by now. */
  expired(claimedAt: number, now: number): boolean {
    return now >= this.#leaseEnd(claimedAt)
  }

  /**
   * The same, and true also when it ended before a later renewal, which what was taken from us had no part in: of a
   * job that has not begun nobody asks the store whether it is still ours.
   */
  mayBeLost(claimedAt: number, now: number): boolean {
    return claimedAt <= this.#renewer.times.lapsedUntil || this.expired(claimedAt, now)
  }

  /** Aborts the attempts whose leases ended unrenewed: this process was stopped, or the store was away. */
  sweep(now: number): void {
    for (const attempt of this.#options.running()) {
      if (this.expired(attempt.claimedAt, now))
        attempt.abort(lost(attempt, 'it ended before it could be renewed'))
    }
  }

  /** Counted from before the request was sent, so that we never believe in a lease longer than the store does. */
  #leaseEnd(claimedAt: number): number {
    const { renewedAt } = this.#renewer.times
    return Math.max(claimedAt, renewedAt >= claimedAt ? renewedAt : claimedAt) + this.#options.leaseMs
  }

  #compare({ startedAt, held }: Renewal): void {
    const tokens = new Map<string, Set<string>>()
    for (const { id, token } of held) add(tokens, id, token)
    for (const attempt of this.#options.running()) {
      // One whose claim was answered after the renewal began need not be in its answer.
      if (attempt.heldAt >= startedAt) continue
      // One that its handler settled itself is gone when that is committed.
      if (attempt.isCompleted) continue
      const { id, token } = attempt.claimed
      if (!tokens.get(id)?.has(token)) void this.#abort(attempt)
    }
  }

  /** Aborts an attempt whose claim is gone, with the reason that the store can give. */
  async #abort(attempt: Attempt): Promise<void> {
    const { backend, name } = this.#options.queue
    const job = await backend.get(name, attempt.claimed.id).catch((error: unknown) => {
      this.#options.onError(error)
      return null
    })
    // A cancelled job is removed at once unless the queue keeps such. With a lease that holds, nobody else did it.
    const removed = job === undefined && !this.expired(attempt.claimedAt, systemClock.monotonic())
    const cancelled = removed || job?.state === 'cancelled'
    attempt.abort(
      cancelled
        ? new JobCancelledError(`job ${attempt.claimed.id} was cancelled`)
        : lost(attempt, 'the store gave it to somebody else'),
    )
  }
}

function add(tokens: Map<string, Set<string>>, id: HeldClaim['id'], token: string): void {
  const set = tokens.get(id)
  if (set === undefined) tokens.set(id, new Set([token]))
  else set.add(token)
}

function lost(attempt: Attempt, why: string): LeaseLostError {
  return new LeaseLostError(
    `the lease of job ${attempt.claimed.id} is lost: ${why}; another worker may run it now`,
  )
}
