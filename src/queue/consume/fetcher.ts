import { systemClock } from '../../core/clock.ts'
import type { ClaimRequest, ClaimResult, Settlement } from '../backend.ts'
import type { JobRef } from '../job.ts'
import { Buffer, type Held } from './buffer.ts'
import { Exchange, type Trip } from './exchange.ts'
import type { Gate } from './gate.ts'
import { Prefetch } from './prefetch.ts'
import type { Settler } from './settler.ts'
import { Isolation } from './isolation.ts'

/** What the fetcher needs of its consumer. */
export interface FetcherHost {
  readonly queueName: string
  readonly owner: string
  readonly gate: Gate
  readonly leaseMs: number
  readonly renewForMs: number | null
  readonly settler: Settler
  types(): readonly string[]
  /** How many handlers run. */
  running(): number
  /** Begins jobs, whose start is recorded. They begin together. */
  begin(held: readonly Held[]): void
  /** True when a lease that was asked for at `claimedAt` may be over. */
  leaseOver(claimedAt: number, now: number): boolean
  settled(settlements: readonly Settlement[], trip: Trip): void
  /** Something was paused, resumed or cancelled. */
  controlChanged(): void
  /** There is nothing to do, and nothing in hand. */
  idle(): void
}

/** The most outcomes of one trip, and the most payload of one claim. */
const MOST_OUTCOMES = 1000
const MOST_BYTES = 8 * 1024 * 1024
/** A hint can be lost: at the latest after so long the store is asked anyway. */
const BACKSTOP_MS = 5_000
/** At capacity, hints are looked into so often at the most. */
const CONTROL_MS = 100

/**
 * Moves jobs: settles outcomes, claims into free places, hands back what it may not hold. It does one thing at a
 * time, and sleeps until something happens: an outcome, a hint of the store, a delayed job that is due.
 */
export class Fetcher {
  readonly #host: FetcherHost
  readonly #exchange: Exchange
  readonly #buffer = new Buffer()
  readonly #prefetch = new Prefetch()
  readonly #isolation = new Isolation()
  #accepting = false
  /** The store may have something for us: it hinted so, or gave all that we had asked for. */
  #hungry = true
  #hinted = false
  #peek = false
  #claims = 0
  #control: number | undefined
  #scheduled = false
  #turning = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #failure: Error | undefined
  readonly #giveUp = new AbortController()
  readonly #quiet = Promise.withResolvers<void>()

  constructor(host: FetcherHost, exchange: Exchange) {
    this.#host = host
    this.#exchange = exchange
  }

  get prefetch(): Prefetch {
    return this.#prefetch
  }

  /** How many jobs are claimed and have not begun. */
  get buffered(): number {
    return this.#buffer.size
  }

  start(): void {
    this.#accepting = true
    this.wake()
  }

  /** Takes no more jobs and hands back what has not begun. Resolves when every outcome is in the store. */
  drain(): Promise<void> {
    this.#accepting = false
    for (const held of this.#buffer.takeAll()) this.#release(held)
    this.wake()
    return this.#quiet.promise
  }

  /** Stops trying. What is not settled by now is left to the leases. */
  giveUp(): void {
    this.#accepting = false
    this.#giveUp.abort()
    clearTimeout(this.#timer)
    this.#quiet.resolve()
  }

  /** The store hinted that something changed. */
  hint(): void {
    this.#hinted = true
    if (this.#free() > 0) {
      this.#hungry = true
      this.wake()
    } else this.#wakeIn(CONTROL_MS, true)
  }

  /** Outcomes came in, or places became free. Turns of one round of the event loop become one. */
  wake(): void {
    if (this.#scheduled || this.#turning || this.#giveUp.signal.aborted) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#turn().catch((error: unknown) => this.#fail(error))
    })
  }

  /** Rejects when the store failed in a way that waiting cannot cure. */
  get failed(): Promise<never> {
    return this.#quiet.promise.then(() => {
      if (this.#failure !== undefined) throw this.#failure
      return new Promise<never>(() => {})
    })
  }

  async #turn(): Promise<void> {
    if (this.#turning || this.#giveUp.signal.aborted) return
    this.#turning = true
    try {
      while (await this.#step());
    } finally {
      this.#turning = false
    }
    this.#rest()
  }

  /** One trip, if there is a reason for one. @returns true when another may be needed at once. */
  async #step(): Promise<boolean> {
    const { settler } = this.#host
    await this.#admit()
    const settlements = settler.take(MOST_OUTCOMES)
    const request = this.#request(settlements.length > 0)
    if (settlements.length === 0 && request === undefined) return false
    this.#hinted = false
    let trip: Trip
    try {
      trip = await this.#exchange.trip(settlements, request, this.#giveUp.signal)
    } catch (error) {
      settler.putBack(settlements)
      throw error
    }
    if (settlements.length > 0) this.#host.settled(settlements, trip)
    if (request !== undefined && trip.claimed !== undefined) this.#take(request, trip, trip.claimed)
    // Handlers that ended meanwhile have woken nobody: this turn is theirs. But let the loop breathe.
    if (settler.size > 0 || (this.#hungry && this.#free() > 0)) {
      await nextRound()
      return !this.#giveUp.signal.aborted
    }
    return false
  }

  #take(request: ClaimRequest, trip: Trip, claimed: ClaimResult): void {
    const now = systemClock.monotonic()
    this.#prefetch.tripTook(trip.waitMs)
    this.#peek = false
    if (this.#control !== undefined && claimed.control !== this.#control) this.#host.controlChanged()
    this.#control = claimed.control
    // Full: there may be more. Less: there is not, unless a hint came while we asked. Nothing wanted: as before.
    if (request.limit > 0) this.#hungry = this.#hinted || claimed.jobs.length >= request.limit
    if (
      this.#isolation.learn(claimed.suspectWaiting, request.suspects === 'only' && claimed.jobs.length > 0)
    ) {
      this.#hungry = true
    }
    if (claimed.nextDueMs !== null) this.#wakeIn(claimed.nextDueMs)
    const { jobs } = claimed
    const late = !this.#accepting || this.#host.leaseOver(trip.askedAt, now)
    const begin: Held[] = []
    for (const job of jobs) {
      const held = { job, claimedAt: trip.askedAt, heldAt: now }
      if (late) this.#release(held)
      else if (job.started) begin.push(held)
    }
    if (late) return
    if (begin.length > 0) this.#host.begin(begin)
    if (begin.length === jobs.length) return
    this.#buffer.push(
      jobs.filter((job) => !job.started),
      trip.askedAt,
      now,
    )
  }

  /** Lets claimed jobs begin, as the gate admits; hands back what was held for too long. */
  async #admit(): Promise<void> {
    if (this.#buffer.size === 0) return
    const { gate } = this.#host
    const now = systemClock.monotonic()
    const count = gate.admit(this.#host.running(), this.#buffer.size, this.#buffer.oldestMs(now))
    const chosen = this.#buffer.take(count)
    for (const held of this.#buffer.takeOlder(now, gate.maxHoldMs)) this.#release(held)
    const valid = chosen.filter((held) => {
      const over = this.#host.leaseOver(held.claimedAt, now)
      if (over) this.#release(held)
      return !over
    })
    if (valid.length === 0) return
    let answers
    try {
      answers = await this.#exchange.start(
        valid.map((held) => this.#ref(held)),
        this.#giveUp.signal,
      )
    } catch (error) {
      for (const held of valid) this.#release(held)
      throw error
    }
    const begin = valid.filter((held, index) => {
      if (answers[index] === 'paused' || !this.#accepting) this.#release(held)
      return answers[index] === 'started' && this.#accepting
    })
    if (begin.length > 0) this.#host.begin(begin)
  }

  /** What to claim. A trip that settles can as well ask for more. */
  #request(settling: boolean): ClaimRequest | undefined {
    const { queueName: queue, owner, gate, leaseMs, renewForMs } = this.#host
    if (!this.#accepting) return undefined
    const types = this.#host.types()
    const running = this.#host.running()
    const mode = this.#isolation.mode(running + this.#buffer.size)
    const free = mode === 'drain' ? 0 : this.#free()
    if (types.length === 0 || !(settling || this.#peek || (this.#hungry && free > 0))) return undefined
    const limit = mode === 'suspect' ? 1 : free === 0 ? 0 : free + this.#prefetch.allowance(gate.capacity)
    return {
      queue,
      types,
      owner,
      token: `${owner}:${++this.#claims}`,
      limit,
      maxBytes: MOST_BYTES,
      start: mode === 'suspect' || gate.startsAtClaim ? Math.min(free, limit) : 0,
      leaseMs,
      renewForMs,
      suspects: mode === 'suspect' ? 'only' : 'none',
    }
  }

  /** How many more jobs may be in hand. */
  #free(): number {
    if (!this.#accepting) return 0
    if (this.#isolation.busy) return 0
    return Math.max(0, this.#host.gate.capacity - this.#host.running() - this.#buffer.size)
  }

  #release(held: Held): void {
    this.#host.settler.release(this.#ref(held))
  }

  #ref({ job: { id, seq, token } }: Held): JobRef {
    return { queue: this.#host.queueName, id, seq, token }
  }

  /** Nothing to do now: says so, or sees to it that something wakes us. */
  #rest(): void {
    if (this.#giveUp.signal.aborted) return
    const { gate, settler } = this.#host
    const inHand = this.#host.running() + this.#buffer.size
    if (settler.size > 0) {
      this.wake()
      return
    }
    if (inHand === 0) {
      if (!this.#accepting) {
        clearTimeout(this.#timer)
        this.#quiet.resolve()
        return
      }
      if (!this.#hungry && !this.#isolation.waiting) this.#host.idle()
    }
    if (this.#buffer.size > 0) {
      const heldMs = this.#buffer.oldestMs(systemClock.monotonic())
      this.#wakeIn(Math.max(1, Math.min(gate.maxHoldMs, gate.patienceMs) - heldMs))
    }
    if (this.#isolation.waiting) this.#wakeIn(Isolation.ASK_AGAIN_MS, true)
    this.#wakeIn(BACKSTOP_MS * (0.8 + Math.random() * 0.4), true)
  }

  /** Wakes at the latest in `ms`; `look` asks the store even when no place is free. */
  #wakeIn(ms: number, look = false): void {
    const at = performance.now() + ms
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#hungry = true
      this.#peek ||= look
      this.wake()
    }, ms)
  }

  #fail(thrown: unknown): void {
    if (this.#giveUp.signal.aborted) return
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown))
    this.giveUp()
  }
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
