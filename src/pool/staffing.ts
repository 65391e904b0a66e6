import type { Crew } from './crew.ts'
import type { CrewMember } from './crew-member.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { CheckedPool } from './pool-options.ts'
import { sizeChange, type SizeView } from './sizing.ts'
import type { StartFailures } from './start-failures.ts'

/** An event loop that is busy for more of the time than this has none left. */
const SATURATED = 0.9

/** Sees to it that there are as many workers as the work needs, and that worn ones are replaced. */
export class Staffing {
  readonly #crew: Crew
  readonly #dispatcher: Dispatcher
  readonly #options: CheckedPool
  readonly #size: { readonly min: number; readonly max: number }
  readonly #failures: StartFailures

  constructor(
    crew: Crew,
    dispatcher: Dispatcher,
    options: CheckedPool,
    size: { readonly min: number; readonly max: number },
    failures: StartFailures,
  ) {
    this.#crew = crew
    this.#dispatcher = dispatcher
    this.#options = options
    this.#size = size
    this.#failures = failures
  }

  /** True when time alone may change the size. */
  get isUnsettled(): boolean {
    return this.#crew.size !== this.#size.min
  }

  /** Starts or retires workers, as the work demands now. */
  adjust(): void {
    if (this.#isRight()) return
    const now = performance.now()
    const ready = [...this.#crew.members].filter(({ state }) => state === 'ready')
    const { growAfter: growAfterMs, idleTimeout: idleTimeoutMs } = this.#options
    const change = sizeChange(this.#view(ready, now), { ...this.#size, growAfterMs, idleTimeoutMs })
    if (change > 0 && this.#failures.isTooSoon(now)) return
    for (let i = 0; i < change; i++) this.#crew.start()
    if (change >= 0) return
    // Those that have nothing to do go first.
    const byLoad = ready.toSorted((a, b) => a.sent.size - b.sent.size)
    for (const member of byLoad.slice(0, -change)) this.retire(member)
  }

  /** True when it is plain that the size is to stay: most often, so that it is found out at once. */
  #isRight(): boolean {
    const { min, max } = this.#size
    if (this.#crew.size !== min) return false
    return min === max || (this.#dispatcher.waiting.size === 0 && this.#options.concurrencyPerWorker === 1)
  }

  /** A worker that has done or taken enough goes when what it has in hand is done, and another one comes. */
  replaceIfWorn(member: CrewMember): void {
    if (member.state === 'ready') {
      const { maxMemory = Infinity } = this.#options
      // One that is above the limit without having done anything would be replaced for ever.
      const isTooLarge = member.memoryBytes > maxMemory && member.finished > 0
      if (!member.isUsedUp && !isTooLarge) return
      this.retire(member)
      this.adjust()
    } else if (member.state === 'retiring' && member.isIdle) {
      this.#crew.close(member)
    }
  }

  /** It gets nothing more, and goes when it has nothing in hand. */
  retire(member: CrewMember): void {
    member.state = 'retiring'
    this.#dispatcher.takeBack(member)
    if (member.isIdle) this.#crew.close(member)
  }

  #view(ready: readonly CrewMember[], now: number): SizeView {
    const { waiting } = this.#dispatcher
    const { since } = waiting
    const idle = ready.filter(({ isIdle }) => isIdle)
    const isSaturated = (each: CrewMember): boolean => each.utilization > SATURATED && each.sent.size > 1
    return {
      workers: this.#crew.size,
      starting: this.#crew.starting,
      waiting: waiting.size,
      oldestWaitMs: since === undefined ? 0 : now - since,
      idleMs: idle.map(({ lastWordAt }) => now - lastWordAt),
      isSaturated: this.#options.concurrencyPerWorker > 1 && ready.length > 0 && ready.every(isSaturated),
    }
  }
}
