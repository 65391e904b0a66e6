import type { ClaimRequest, ClaimResult, Settlement } from '../backend.ts'
import { Admission, type AdmissionHost } from './admission.ts'
import { Alarm } from './alarm.ts'
import { type Claimer, claimRequest } from './claim-request.ts'
import { Exchange, type Trip } from './exchange.ts'
import { Prefetch } from './prefetch.ts'
import { Isolation } from './isolation.ts'
import { Overtaking } from './overtaking.ts'
import { MOST_OUTCOMES } from './settler.ts'
import { nextRound, Stride } from './stride.ts'

/** What the fetcher needs of its consumer. */
export interface FetcherHost extends AdmissionHost, Claimer {
  settled(settlements: readonly Settlement[], trip: Trip): void
  /** Something was paused, resumed or cancelled. */
  controlChanged(): void
  /** There is nothing to do, and nothing in hand. */
  idle(): void
}

/** So many are worth a trip of their own. */
const ENOUGH_OUTCOMES = 500
/** With other jobs at hand, outcomes wait for each other so long after the last trip. */
const LINGER_MS = 2
/** With jobs in hand: a hint of a cancel can be lost, so the store is asked after so long anyway. */
const BACKSTOP_MS = 5_000
/** At capacity, hints are looked into so often at the most. */
const CONTROL_MS = 100

/**
 * Moves jobs: settles outcomes, claims into free places, hands back what it may not hold. It sleeps until something
 * happens: an outcome, a hint of the store, a delayed job that is due.
 *
 * Where jobs are claimed ahead, the next trip is sent before those of the last begin, or when half of what is held is
 * left, so that neither the store nor this worker waits for the other. What holds in all of this:
 * - One trip is under way at a time, beside outcomes that overtake a late answer, and no claim is asked for before the
 *   last was answered. One that failed is repeated until it is answered, its outcomes first.
 * - A claim asks for no more than there is room for, and the allowance, when it is sent; until it is answered what is in
 *   hand only becomes less.
 * - What is closed meanwhile (drain, quiet, give-up, a pause) hands back what the answer brings.
 */
export class Fetcher {
  readonly #host: FetcherHost
  readonly #admission: Admission
  readonly #overtaking: Overtaking
  readonly #prefetch = new Prefetch()
  readonly #isolation = new Isolation()
  #accepting = false
  #isQuiet = false
  /** The store may have something for us: it hinted so, or gave all that we had asked for. */
  #hungry = true
  #hinted = false
  /** The store promotes due jobs in bounded steps, and has not come to the end of them. */
  #leftDue = false
  #peek = false
  #claims = 0
  #control: number | undefined
  #scheduled = false
  #turning = false
  readonly #stride = new Stride(() => this.#admission.proceed())
  #sentAt = -Infinity
  #underWay: Promise<void> = Promise.resolve()
  readonly #alarm = new Alarm(() => this.#rang())
  #askThen = false
  #failure: Error | undefined
  readonly #giveUp = new AbortController()
  readonly #drained = Promise.withResolvers<void>()

  constructor(host: FetcherHost, exchange: Exchange) {
    this.#host = host
    this.#overtaking = new Overtaking(exchange, host)
    this.#admission = new Admission(host, exchange, () => this.#prefetch.overestimated())
  }

  get prefetch(): Prefetch {
    return this.#prefetch
  }

  /** How many jobs are claimed and have not begun. */
  get buffered(): number {
    return this.#admission.size
  }

  start(): void {
    this.#accepting = true
    this.#admission.open()
    this.wake()
  }

  /** Quiet: claims nothing and hands back what has not begun, until that is over. */
  setQuiet(isQuiet: boolean): void {
    this.#isQuiet = isQuiet
    if (!this.#accepting) return
    if (isQuiet) this.#admission.close()
    else this.#admission.open()
    this.#hungry = true
    this.wake()
  }

  /** Takes no more jobs and hands back what has not begun. Resolves when every outcome is in the store. */
  drain(): Promise<void> {
    this.#accepting = false
    this.#admission.close()
    this.wake()
    return this.#drained.promise
  }

  /** Stops trying. Resolves when the trip that is under way, if any, has come back; what it brought is released. */
  giveUp(): Promise<void> {
    this.#accepting = false
    this.#admission.close()
    this.#giveUp.abort()
    this.#alarm.stop()
    this.#drained.resolve()
    return this.#underWay
  }

  /** The store hinted that something changed. */
  hint(): void {
    this.#hinted = true
    if (this.#free() > 0) {
      this.#hungry = true
      this.wake()
    } else this.#wakeIn(CONTROL_MS, true)
  }

  /** A handler has ended: its place goes to a job that is claimed already, and its outcome to the store. */
  placeFreed(): void {
    if (this.#admission.size > 0) this.#stride.soon()
    this.wake()
  }

  /** Outcomes came in, or places became free. Turns of one round of the event loop become one. */
  wake(): void {
    if (this.#scheduled || this.#turning || this.#giveUp.signal.aborted) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#underWay = this.#turn().catch((error: unknown) => this.#fail(error))
    })
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Rejects when the store failed in a way that waiting cannot cure. */
  get failed(): Promise<never> {
    return this.#drained.promise.then(() => {
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
    const { settler, gate } = this.#host
    await this.#admission.admit(this.#giveUp.signal)
    const isDue = this.#isDue()
    const settlements = settler.take(isDue ? MOST_OUTCOMES : 0)
    const request = isDue ? this.#request(settlements.length > 0) : undefined
    const goes = settlements.length > 0 || request !== undefined
    if (this.#admission.size > 0 && gate.startsAtClaim) {
      if (goes) this.#stride.makeWay()
      this.#stride.soon()
    }
    if (!goes) return false
    this.#sentAt = performance.now()
    this.#hinted = false
    let trip: Trip
    try {
      trip = await this.#overtaking.trip(settlements, request, this.#giveUp.signal)
    } catch (error) {
      settler.putBack(settlements)
      throw error
    }
    if (settlements.length > 0) this.#host.settled(settlements, trip)
    if (request !== undefined && trip.claimed !== undefined) this.#take(request, trip, trip.claimed)
    if (this.#runsLow()) return !this.#giveUp.signal.aborted
    this.#admission.proceed()
    // Handlers that ended meanwhile have woken nobody: this turn is theirs. But let the loop breathe.
    if (settler.size > 0 || this.#admission.ready || (this.#hungry && this.#free() > 0)) {
      await nextRound()
      return !this.#giveUp.signal.aborted
    }
    return false
  }

  #take(request: ClaimRequest, trip: Trip, claimed: ClaimResult): void {
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
    // A claim that was paused, or wanted nothing, leaves due jobs where they are: no reason to ask again at once.
    const couldTake = request.limit > 0 && !claimed.paused
    this.#leftDue = couldTake && claimed.nextDueMs === 0
    if (couldTake && claimed.nextDueMs !== null) this.#wakeIn(claimed.nextDueMs)
    if (claimed.paused) this.#admission.handBack()
    this.#admission.take(claimed.jobs, trip.askedAt)
  }

  /** What to claim. A trip that settles can as well ask for more. */
  #request(settling: boolean): ClaimRequest | undefined {
    const { gate } = this.#host
    if (!this.#isTaking || this.#host.types().length === 0) return undefined
    const held = this.#admission.size
    const mode = this.#isolation.mode(this.#host.running() + held)
    const free = mode === 'drain' ? 0 : this.#free()
    if (!(settling || this.#peek || (this.#hungry && free > 0) || this.#runsLow())) return undefined
    const wanted = gate.prefetches ? this.#prefetch.wanted(free, held, gate.capacity) : free
    const limit = mode === 'suspect' ? 1 : mode === 'drain' ? 0 : wanted
    return claimRequest(this.#host, ++this.#claims, limit, mode === 'suspect')
  }

  /** Others are to be claimed before those that are held have all begun. */
  #runsLow(): boolean {
    const { gate } = this.#host
    const held = this.#admission.size
    if (held === 0 || !gate.prefetches || !this.#hungry || !this.#isTaking) return false
    return !this.#isolation.busy && !this.#isolation.waiting && this.#prefetch.runsLow(held, gate.capacity)
  }

  /** Whether what there is for a trip is worth one now. With jobs at hand nobody waits for it. */
  #isDue(): boolean {
    const { settler, gate } = this.#host
    if (this.#admission.size === 0 || !gate.prefetches || !this.#isTaking || this.#peek) return true
    if (settler.size >= ENOUGH_OUTCOMES || this.#runsLow() || (this.#hungry && this.#free() > 0)) return true
    return performance.now() - this.#sentAt >= LINGER_MS
  }

  get #isTaking(): boolean {
    return this.#accepting && !this.#isQuiet
  }

  /** How many more jobs may run beside those in hand. */
  #free(): number {
    if (!this.#isTaking) return 0
    if (this.#isolation.busy) return 0
    return this.#host.gate.room(this.#host.running(), this.#admission.size)
  }

  /** Nothing to do now: says so, or sees to it that something wakes us. */
  #rest(): void {
    if (this.#giveUp.signal.aborted) return
    const { settler } = this.#host
    const inHand = this.#host.running() + this.#admission.size
    if (settler.size > 0) return this.#isDue() ? this.wake() : this.#wakeIn(LINGER_MS)
    if (inHand === 0) {
      if (!this.#accepting) {
        this.#alarm.stop()
        this.#drained.resolve()
        return
      }
      if (!this.#isQuiet && !this.#hungry && !this.#leftDue && !this.#isolation.waiting) this.#host.idle()
    }
    if (this.#admission.size > 0) this.#wakeIn(this.#admission.patienceMs())
    if (this.#isolation.waiting && this.#isTaking) this.#wakeIn(Isolation.ASK_AGAIN_MS, true)
    // With nothing in hand, it is the watchman who finds what no hint told of.
    if (inHand > 0 || this.#hungry) this.#wakeIn(BACKSTOP_MS * (0.8 + Math.random() * 0.4), true)
  }

  /** Looks at the latest in `ms`; `ask` asks the store even when no place is free. */
  #wakeIn(ms: number, ask = false): void {
    this.#askThen ||= ask
    this.#alarm.atLatestIn(ms)
  }

  #rang(): void {
    this.#hungry = true
    this.#peek ||= this.#askThen
    // While nothing is claimed, no answer tells of a cancel.
    if (this.#askThen && !this.#isTaking && this.#host.running() > 0) this.#host.controlChanged()
    this.#askThen = false
    this.wake()
  }

  #fail(thrown: unknown): void {
    if (this.#giveUp.signal.aborted) return
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown))
    void this.giveUp()
  }
}
