import type { Crew } from './crew.ts'
import type { CrewMember } from './crew-member.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { CheckedPool } from './pool-options.ts'
import { sizeChange } from './sizing.ts'

/** Sees to it that there are as many workers as the work needs, and that worn ones are replaced. */
export class Staffing {
  readonly #crew: Crew
  readonly #dispatcher: Dispatcher
  readonly #options: CheckedPool
  readonly #size: { readonly min: number; readonly max: number }

  constructor(
    crew: Crew,
    dispatcher: Dispatcher,
    options: CheckedPool,
    size: { readonly min: number; readonly max: number },
  ) {
    this.#crew = crew
    this.#dispatcher = dispatcher
    this.#options = options
    this.#size = size
  }

  get isAboveMin(): boolean {
    return this.#crew.size > this.#size.min
  }

  /** Starts or retires workers, as the work demands now. */
  adjust(): void {
    const now = performance.now()
    const first = this.#dispatcher.waiting.peek()
    const ready = [...this.#crew.members].filter(({ state }) => state === 'ready')
    const idle = ready.filter(({ isIdle }) => isIdle)
    const view = {
      workers: this.#crew.size,
      starting: this.#crew.starting,
      waiting: this.#dispatcher.waiting.size,
      oldestWaitMs: first === undefined ? 0 : now - first.queuedAt,
      idleMs: idle.map(({ lastWordAt }) => now - lastWordAt),
    }
    const { growAfter: growAfterMs, idleTimeout: idleTimeoutMs } = this.#options
    const change = sizeChange(view, { ...this.#size, growAfterMs, idleTimeoutMs })
    for (let i = 0; i < change; i++) this.#crew.start()
    if (change >= 0) return
    // Those that have nothing to do go first.
    const byLoad = ready.toSorted((a, b) => a.sent.size - b.sent.size)
    for (const member of byLoad.slice(0, -change)) this.#retire(member)
  }

  /** A worker that has done or taken enough goes when what it has in hand is done, and another one comes. */
  replaceIfWorn(member: CrewMember): void {
    const { maxTasksPerWorker = Infinity, maxMemory = Infinity } = this.#options
    const isWorn = member.finished >= maxTasksPerWorker || member.memoryBytes > maxMemory
    if (member.state === 'ready' && isWorn) {
      this.#retire(member)
      this.adjust()
    } else if (member.state === 'retiring' && member.isIdle) {
      this.#crew.close(member)
    }
  }

  #retire(member: CrewMember): void {
    member.state = 'retiring'
    this.#dispatcher.takeBack(member)
    if (member.isIdle) this.#crew.close(member)
  }
}
