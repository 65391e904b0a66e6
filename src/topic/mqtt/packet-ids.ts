const LAST = 65_535

/**
 * Packet ids of what we send. Each is taken again as late as possible, and the first one is random: of what an earlier
 * process left half done under an id of QoS 2, the broker would take our message to be a repetition.
 */
export class PacketIds {
  readonly #used = new Set<number>()
  #next = 1 + Math.floor(Math.random() * LAST)

  /** @returns undefined when all are in use. */
  take(): number | undefined {
    if (this.#used.size === LAST) return undefined
    while (this.#used.has(this.#next)) this.#next = (this.#next % LAST) + 1
    const id = this.#next
    this.#next = (id % LAST) + 1
    this.#used.add(id)
    return id
  }

  free(id: number): void {
    this.#used.delete(id)
  }
}
