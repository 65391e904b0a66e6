import { noticeText, type NoticeReason } from './notice.ts'

/** Sends a frame to the owner of a market; with a promise when there is no room for more. It throws what it refuses. */
export type RouteFrame = (market: string, data: string | Uint8Array) => Promise<void> | undefined

/**
 * What the feed tells goes out here. When there is no room the feed stops reading until there is; what is refused all
 * the same is told to the market as lost, as soon as that can be said.
 */
export class Outgoing {
  readonly #route: RouteFrame
  readonly #onFull: (isFull: boolean) => void
  readonly #unsaid = new Map<string, NoticeReason>()
  #full = 0
  #refused = 0

  constructor(route: RouteFrame, onFull: (isFull: boolean) => void) {
    this.#route = route
    this.#onFull = onFull
  }

  get isFull(): boolean {
    return this.#full > 0
  }

  /** Frames that were not taken: too large, or too many. */
  get refused(): number {
    return this.#refused
  }

  send(market: string, data: string | Uint8Array): void {
    if (this.#unsaid.size > 0) this.#sayAll()
    if (!this.#try(market, data)) {
      this.#refused++
      this.notify(market, 'lost')
    }
  }

  /** The books of the market may be wrong from now on. */
  notify(market: string, reason: NoticeReason): void {
    if (!this.#try(market, noticeText(reason))) this.#unsaid.set(market, reason)
  }

  #sayAll(): void {
    for (const [market, reason] of this.#unsaid) {
      if (!this.#try(market, noticeText(reason))) return
      this.#unsaid.delete(market)
    }
  }

  #try(market: string, data: string | Uint8Array): boolean {
    try {
      const room = this.#route(market, data)
      if (room !== undefined) this.#wait(room)
      return true
    } catch {
      return false
    }
  }

  #wait(room: Promise<void>): void {
    if (this.#full++ === 0) this.#onFull(true)
    const done = (): void => {
      if (--this.#full > 0) return
      this.#sayAll()
      if (this.#full === 0) this.#onFull(false)
    }
    // It rejects when the stream is closed: nothing is to be sent then.
    room.then(done, done)
  }
}
