import { Connection, type ConnectionOptions } from './connection.ts'
import type { Keys } from './keys.ts'

/** A connection that only listens would not notice that it is half-open. */
const PING_MS = 20_000

/** Who wants to hear of which queue, over one connection that is made when the first does. */
export class Watchers {
  readonly #keys: Keys
  readonly #connection: Connection
  readonly #hints = new Map<string, Set<() => void>>()
  readonly #queues = new Map<string, string>()
  readonly #overhear = new Set<() => void>()
  readonly #pending = new Set<string>()
  #ping: NodeJS.Timeout | undefined

  constructor(keys: Keys, options: ConnectionOptions) {
    this.#keys = keys
    this.#connection = new Connection({
      ...options,
      // What was published while there was no connection went unheard.
      onReady: () => {
        for (const queue of this.#hints.keys()) this.#listen(queue)
        if (this.#overhear.size > 0) this.#listenToLooks()
      },
      onMessage: (channel) => {
        const queue = this.#queues.get(channel)
        if (queue !== undefined) this.tell(queue)
        else if (channel === keys.looked) for (const heard of this.#overhear) heard()
      },
    })
  }

  watch(queue: string, hint: () => void): () => void {
    let hints = this.#hints.get(queue)
    if (hints === undefined) {
      this.#hints.set(queue, (hints = new Set()))
      this.#queues.set(this.#keys.channel(queue), queue)
      this.#listen(queue)
    }
    this.#ping ??= setInterval(() => {
      this.#connection.command('', ['PING']).catch(() => {})
    }, PING_MS).unref()
    // Two watchers may bring the same function; each is ended on its own.
    const own = (): void => hint()
    hints.add(own)
    return () => {
      hints.delete(own)
      if (hints.size > 0 || this.#hints.get(queue) !== hints) return
      this.#hints.delete(queue)
      this.#queues.delete(this.#keys.channel(queue))
      this.#connection.unsubscribe(this.#keys.channel(queue)).catch(() => {})
    }
  }

  /** The queues that are watched. */
  get queues(): string[] {
    return [...this.#hints.keys()]
  }

  /** `heard` hears when somebody has looked at all queues. */
  overhear(heard: () => void): () => void {
    const own = (): void => heard()
    if (this.#overhear.size === 0) this.#listenToLooks()
    this.#overhear.add(own)
    return () => {
      if (this.#overhear.delete(own) && this.#overhear.size === 0)
        this.#connection.unsubscribe(this.#keys.looked).catch(() => {})
    }
  }

  reconnect(): void {
    this.#connection.renew('it is made anew')
  }

  close(): void {
    clearInterval(this.#ping)
    this.#hints.clear()
    this.#connection.close()
  }

  #listenToLooks(): void {
    this.#connection.subscribe(this.#keys.looked).catch(() => {})
  }

  #listen(queue: string): void {
    this.#connection.subscribe(this.#keys.channel(queue)).then(
      () => this.tell(queue),
      // No connection yet: it listens as soon as there is one.
      () => {},
    )
  }

  /** What comes in one tick is told once. */
  tell(queue: string): void {
    if (this.#pending.has(queue) || !this.#hints.has(queue)) return
    this.#pending.add(queue)
    queueMicrotask(() => {
      this.#pending.delete(queue)
      for (const hint of this.#hints.get(queue) ?? []) hint()
    })
  }
}
