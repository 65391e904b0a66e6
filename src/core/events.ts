/** A listener of one event. What it throws, or rejects with, goes to `onError` and reaches nobody else. */
export type Listener<T> = (event: T) => void | Promise<void>

/**
 * Typed events: `new Emitter<{ ready: void; failed: { error: Error } }>()`.
 * Emitting is synchronous, in the order of subscription; a failing listener never stops the emitter or the
 * other listeners.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onError: (error: unknown, event: keyof Events) => void

  /** @param onError hears of failing listeners. Default: the failure is reported with `process.emitWarning`. */
  constructor(onError: (error: unknown, event: keyof Events) => void = warn) {
    this.#onError = onError
  }

  /** Subscribes, and returns the function that unsubscribes. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const set = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, set)
    set.add(listener)
    return () => this.off(event, listener)
  }

  off<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    const set = this.#listeners.get(event)
    if (set?.delete(listener) && set.size === 0) this.#listeners.delete(event)
  }

  /** True when somebody listens; lets a hot path skip building the event. */
  has(event: keyof Events): boolean {
    return this.#listeners.has(event)
  }

  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    const set = this.#listeners.get(event)
    if (set === undefined) return
    // A copy: a listener may take itself or another away.
    for (const listener of Array.from(set)) {
      try {
        const result = (listener as Listener<Events[K]>)(value)
        if (result instanceof Promise) result.catch((error: unknown) => this.#onError(error, event))
      } catch (error) {
        this.#onError(error, event)
      }
    }
  }
}

function warn(error: unknown, event: PropertyKey): void {
  process.emitWarning(`a listener of "${String(event)}" failed: ${String(error)}`, 'MillhandWarning')
}
