/**
 * Watches for signs of life of another event loop. A silence is held against it only while this loop runs
 * itself: after a block of its own, everybody gets a full term again.
 */
export class StallWatch {
  readonly #stallMs: number
  readonly #everyMs: number
  readonly #onStall: (forMs: number) => void
  #timer: NodeJS.Timeout | undefined
  #lastBeat = 0
  #lastCheck = 0
  #isStalled = false

  /** @param onStall called once for each stall, when a sign of life is `stallMs` late. */
  constructor(stallMs: number, onStall: (forMs: number) => void) {
    this.#stallMs = stallMs
    this.#everyMs = checkEveryMs(stallMs)
    this.#onStall = onStall
  }

  start(): void {
    if (this.#stallMs === Infinity) return
    this.beat()
    this.#lastCheck = performance.now()
    this.#timer = setInterval(() => this.#check(), this.#everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  beat(): void {
    this.#lastBeat = performance.now()
    this.#isStalled = false
  }

  #check(): void {
    const now = performance.now()
    const wasBlockedHere = now - this.#lastCheck > 2 * this.#everyMs
    this.#lastCheck = now
    if (wasBlockedHere) this.#lastBeat = now
    const forMs = now - this.#lastBeat
    if (this.#isStalled || forMs < this.#stallMs) return
    this.#isStalled = true
    this.#onStall(forMs)
  }
}

/** Often enough to see a stall well within twice its threshold. */
export function checkEveryMs(stallMs: number): number {
  return Math.min(1000, Math.max(20, stallMs / 4))
}
