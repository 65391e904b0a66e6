/** How deliveries were answered since the start. */
export class Tally {
  readonly #counts = { accepted: 0, ignored: 0, duplicate: 0, refused: 0 }

  count(answer: keyof Tally['counts']): void {
    this.#counts[answer]++
  }

  get counts(): { accepted: number; ignored: number; duplicate: number; refused: number } {
    return { ...this.#counts }
  }
}
