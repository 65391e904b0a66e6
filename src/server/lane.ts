/** Steps that take turns: each begins when the one before it has ended, however that went. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(step: () => Promise<T>): Promise<T> {
    const next = this.#last.then(step)
    this.#last = next.catch(() => {})
    return next
  }
}
