import { StateError } from '../core/errors.ts'
import { nearest } from '../core/options.ts'
import type { EmitItem, FromWorkerBody } from './control.ts'

/** So much may be on its way, before nothing more is read. */
const MAX_UNTAKEN = 5000
/** So much goes in one message. */
const BATCH = 256

/**
 * What a worker emits to other streams and queues. A message counts as done when all that was emitted before its end
 * has been taken: what a dead worker emitted is emitted again rather than lost.
 */
export class Outlet {
  readonly #names: ReadonlySet<string>
  readonly #post: (message: FromWorkerBody) => void
  #items: EmitItem[] = []
  /** Those that wait for all up to a count to be taken, in its order. */
  #waiting: { readonly count: number; readonly onTaken: () => void }[] = []
  #emitted = 0
  #taken = 0
  #onRoom: (() => void) | undefined

  constructor(names: readonly string[], post: (message: FromWorkerBody) => void) {
    this.#names = new Set(names)
    this.#post = post
  }

  /** How much was emitted in all. */
  get emitted(): number {
    return this.#emitted
  }

  get isClear(): boolean {
    return this.#taken === this.#emitted
  }

  get isFull(): boolean {
    return this.#emitted - this.#taken >= MAX_UNTAKEN
  }

  /** @throws StateError for an output that the group does not have. */
  emit(output: string, key: string, data: unknown): void {
    if (!this.#names.has(output)) {
      const guess = nearest(output, [...this.#names])
      const known = [...this.#names].join(', ') || '(none)'
      throw new StateError(
        `expected output to be one of the outputs of its StreamGroup (${known}), got: "${output}"` +
          (guess === undefined ? '' : `; did you mean "${guess}"?`),
      )
    }
    this.#emitted++
    const count = this.#items.push([output, key, data])
    // What is emitted in one turn of the loop goes together.
    if (count === 1) queueMicrotask(() => this.#flush())
    if (count >= BATCH) this.#flush()
  }

  #flush(): void {
    if (this.#items.length === 0) return
    this.#post({ kind: 'emit', items: this.#items })
    this.#items = []
  }

  /** Calls `onTaken` when all that was emitted until now has been taken: at once, if it has. */
  whenTaken(onTaken: () => void): void {
    if (this.isClear) onTaken()
    else this.#waiting.push({ count: this.#emitted, onTaken })
  }

  /** So many have arrived. */
  take(count: number): void {
    this.#taken = Math.max(this.#taken, count)
    while (this.#waiting[0] !== undefined && this.#waiting[0].count <= this.#taken)
      this.#waiting.shift()!.onTaken()
    if (!this.isFull) this.#onRoom?.()
  }

  /** Resolves when it is not full. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onRoom = resolve
    })
  }
}
