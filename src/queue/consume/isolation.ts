/**
 * How a worker comes to run a suspect alone: when the store says that one waits, it takes nothing new, finishes
 * what it has in hand, and then claims that one job. Several workers may do so at once; those that find the
 * suspect taken go on as before.
 */
export class Isolation {
  /** While it finishes its own work it looks so often whether the suspect is still there. */
  static readonly ASK_AGAIN_MS = 250

  #waiting = false
  #running = false

  /** A suspect waits for us to have nothing else in hand. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Nothing may begin beside what is in hand. */
  get busy(): boolean {
    return this.#running
  }

  /** What to claim, with `inHand` jobs in hand. */
  mode(inHand: number): 'normal' | 'drain' | 'suspect' {
    if (inHand === 0) {
      this.#running = false
      return this.#waiting ? 'suspect' : 'normal'
    }
    return this.#waiting || this.#running ? 'drain' : 'normal'
  }

  /**
   * Notes what a claim told. @returns true when the worker should ask again at once, since it may be able to
   * claim the suspect now or was wrong to hold back.
   */
  learn(suspectWaiting: boolean, gotSuspect: boolean): boolean {
    const changed = suspectWaiting !== this.#waiting
    this.#waiting = suspectWaiting
    if (gotSuspect) this.#running = true
    return changed && !gotSuspect
  }
}
