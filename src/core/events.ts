/** A listener of one event. What it throws, or rejects with, goes to `onError` and reaches nobody else. */
export type Listener<T> = (event: T) => void | Promise<void>

/** Where events go: an emitter, or the near end of a line to one elsewhere. */
export interface Sink<Events extends object> {
  has(event: keyof Events): boolean
  emit<K extends keyof Events>(event: K, value: Events[K]): void
}

/**
 * Typed events: `new Emitter<{ ready: void; failed: { error: Error } }>()`.
 * Emitting is synchronous, in the order of subscription; a failing listener never stops the emitter or the
 * other listeners.
 */
export class Emitter<Events extends object> implements Sink<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #sinks = new Set<Sink<Events>>()
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

  /** Passes every event on, after the listeners here. @returns the function that ends it. */
  pipe(sink: Sink<Events>): () => void {
    this.#sinks.add(sink)
    return () => this.#sinks.delete(sink)
  }

  /** True when somebody listens; lets a hot path skip building the event. */
  has(event: keyof Events): boolean {
    if (this.#listeners.has(event)) return true
    for (const sink of this.#sinks) if (sink.has(event)) return true
    return false
  }

  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    this.#tell(event, value)
    for (const sink of this.#sinks) sink.emit(event, value)
  }

  #tell<K extends keyof Events>(event: K, value: Events[K]): void {
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
