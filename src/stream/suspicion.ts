/**
 * Which message kills its workers. The first crash only makes one suspicious, since a worker tells what it is done with
 * in batches; the lives after it tell each message, so that the place where they die is that of the message at fault.
 */
export class Suspicion {
  readonly #maxCrashes: number
  #head: number | undefined
  #crashes = 0

  constructor(maxCrashes: number) {
    this.#maxCrashes = maxCrashes
  }

  /** The last life crashed with messages in its ring. */
  get isUnderSuspicion(): boolean {
    return this.#crashes > 0
  }

  /** @param head the place of the first message that was not done. */
  onCrash(head: number, depth: number): void {
    if (depth === 0) return this.clear()
    this.#crashes = head === this.#head ? this.#crashes + 1 : 1
    this.#head = head
  }

  /** So many lives in a row have died with this message in front. */
  isPoison(head: number): boolean {
    return head === this.#head && this.#crashes >= this.#maxCrashes
  }

  clear(): void {
    this.#head = undefined
    this.#crashes = 0
  }
}
