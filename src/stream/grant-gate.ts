/**
 * A grant comes beside the ring, and what it is for through the ring, behind a mark: whichever comes first waits for
 * the other. So the group need not hear that the grant has arrived before it sends what comes after.
 */
export class GrantGate {
  readonly #epoch: number
  /** Those that came before their mark. */
  readonly #early = new Set<number>()
  #waiting: { readonly id: number; readonly resolve: (isGranted: boolean) => void } | undefined
  #isClosed = false

  /** @param epoch of this life. */
  constructor(epoch: number) {
    this.#epoch = epoch
  }

  /** The grant of this number has arrived. */
  granted(id: number): void {
    if (this.#waiting?.id === id) this.#end(true)
    else this.#early.add(id)
  }

  /**
   * The mark of a grant was read.
   * @param epoch of the life that was granted it: a later one has begun with it, or with whatever came of it.
   * @returns what has to be waited for before the next frame: false when it does not come any more.
   */
  pass(id: number, epoch: number): Promise<boolean> | undefined {
    if (epoch !== this.#epoch || this.#early.delete(id)) return undefined
    if (this.#isClosed) return Promise.resolve(false)
    return new Promise((resolve) => (this.#waiting = { id, resolve }))
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#isClosed = true
    this.#end(false)
  }

  #end(isGranted: boolean): void {
    this.#waiting?.resolve(isGranted)
    this.#waiting = undefined
  }
}
