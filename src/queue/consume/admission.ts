import { systemClock } from '../../core/clock.ts'
import type { ClaimedJob, JobRef } from '../job.ts'
import { Buffer, type Held } from './buffer.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import type { Settler } from './settler.ts'

/** What admission needs of its consumer. */
export interface AdmissionHost {
  readonly queueName: string
  readonly gate: Gate
  readonly settler: Settler
  /** How many handlers run. */
  running(): number
  /** Begins jobs, whose start is recorded. They begin together. */
  begin(held: readonly Held[]): void
  /** Hands back what was begun here and waits elsewhere for its turn. */
  handBack(): void
  /** True when a lease that was asked for at `claimedAt` may be over. */
  leaseOver(claimedAt: number, now: number): boolean
}

/**
 * Decides which claimed jobs begin: those that the gate admits, whose lease still holds, and whose start the store
 * has recorded. What may not begin, or was held for too long, is handed back.
 */
export class Admission {
  readonly #host: AdmissionHost
  readonly #exchange: Exchange
  readonly #buffer = new Buffer()
  readonly #onOverheld: () => void
  #open = false

  /** @param onOverheld hears that jobs were handed back because no place came free for them in time. */
  constructor(host: AdmissionHost, exchange: Exchange, onOverheld: () => void) {
    this.#host = host
    this.#exchange = exchange
    this.#onOverheld = onOverheld
  }

  /** How many jobs are claimed and have not begun. */
  get size(): number {
    return this.#buffer.size
  }

  open(): void {
    this.#open = true
  }

  /** Nothing begins any more; what is held is handed back. */
  close(): void {
    this.#open = false
    this.handBack()
  }

  /** Takes a claim in. Suspects begin at once, the rest is held until `proceed` or `admit`. */
  take(jobs: readonly ClaimedJob[], claimedAt: number): void {
    const heldAt = systemClock.monotonic()
    const late = !this.#open || this.#host.leaseOver(claimedAt, heldAt)
    const alone: Held[] = []
    for (const job of jobs) {
      const held = { job, claimedAt, heldAt }
      if (late) this.#release([held])
      // A suspect is not collected into a batch.
      else if (job.started && !this.#host.gate.startsAtClaim) alone.push(held)
      else this.#buffer.push(held)
    }
    if (alone.length > 0) this.#host.begin(alone)
  }

  /** A place may be free: begins what is recorded as started, without a trip. */
  proceed(): void {
    const { gate } = this.#host
    if (!gate.startsAtClaim || this.#buffer.size === 0) return
    const valid = this.#valid(this.#buffer.take(gate.admit(this.#host.running(), this.#buffer.size, 0)))
    if (valid.length > 0) this.#host.begin(valid)
  }

  /** Hands back what has not begun. */
  handBack(): void {
    this.#release(this.#buffer.takeAll())
    this.#host.handBack()
  }

  /** Lets collected jobs begin, as far as the gate admits them now; hands back what was held for too long. */
  async admit(signal: AbortSignal): Promise<void> {
    if (this.#buffer.size === 0) return
    const { gate } = this.#host
    // What begins without a trip does so by `proceed`, unless nobody has come to that for too long.
    if (this.#buffer.oldestMs(systemClock.monotonic()) > gate.maxHoldMs) this.proceed()
    const heldMs = this.#buffer.oldestMs(systemClock.monotonic())
    const chosen = gate.startsAtClaim
      ? []
      : this.#buffer.take(gate.admit(this.#host.running(), this.#buffer.size, heldMs))
    if (this.#buffer.oldestMs(systemClock.monotonic()) > gate.maxHoldMs) {
      // All of them: the younger must not overtake.
      this.handBack()
      this.#onOverheld()
    }
    const valid = this.#valid(chosen)
    if (valid.length > 0) await this.#start(valid, signal)
  }

  /** Those whose lease still holds; hands the others back. */
  #valid(chosen: readonly Held[]): readonly Held[] {
    const now = systemClock.monotonic()
    const over = chosen.filter(({ claimedAt }) => this.#host.leaseOver(claimedAt, now))
    if (over.length === 0) return chosen
    this.#release(over)
    return chosen.filter((held) => !over.includes(held))
  }

  /** True when held jobs may begin now. */
  get ready(): boolean {
    const { size } = this.#buffer
    if (size === 0) return false
    const heldMs = this.#buffer.oldestMs(systemClock.monotonic())
    return this.#host.gate.admit(this.#host.running(), size, heldMs) > 0
  }

  /** Ms until held jobs must be looked at again; Infinity when none is held. */
  patienceMs(): number {
    if (this.#buffer.size === 0) return Infinity
    const { maxHoldMs, patienceMs } = this.#host.gate
    return Math.max(1, Math.min(maxHoldMs, patienceMs) - this.#buffer.oldestMs(systemClock.monotonic()))
  }

  async #start(chosen: readonly Held[], signal: AbortSignal): Promise<void> {
    let answers
    try {
      answers = await this.#exchange.start(
        chosen.map((held) => this.#ref(held)),
        signal,
      )
    } catch (error) {
      this.#release(chosen)
      throw error
    }
    const begin = chosen.filter((_, index) => this.#open && answers[index] === 'started')
    // A stale claim is no longer ours to hand back.
    this.#release(chosen.filter((held, index) => answers[index] !== 'stale' && !begin.includes(held)))
    if (begin.length > 0) this.#host.begin(begin)
  }

  #release(held: readonly Held[]): void {
    for (const one of held) this.#host.settler.release(this.#ref(one))
  }

  #ref({ job: { id, seq, token } }: Held): JobRef {
    return { queue: this.#host.queueName, id, seq, token }
  }
}
