import { MillhandError } from '../core/errors.ts'

/** Why a group has ended before it was asked to: those who wait for it hear that, and those who come later. */
export class GroupFailure {
  #error: MillhandError | undefined
  readonly #waiting = new Set<(error: MillhandError) => void>()
  /** Of a promise that is given out again and again, as that of a slot without room is. */
  #last: { readonly of: Promise<void>; readonly given: Promise<void> } | undefined

  get error(): MillhandError | undefined {
    return this.#error
  }

  /** @param cause what its worker was given up for, since it did `reason`. */
  fail(group: string, worker: string, reason: string, cause: Error): void {
    if (this.#error !== undefined) return
    const error = new MillhandError(
      'WORKER_EXITED',
      `group ${group} has ended: worker ${worker} ${reason}, and no other can take the messages of its keys`,
      { cause },
    )
    this.#error = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
    this.#last = undefined
  }

  /** The group begins anew. */
  clear(): void {
    this.#error = undefined
  }

  /** As `work`, but rejects when the group fails before that is done. Nobody has to wait for it. */
  orFailed(work: Promise<void>): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#last?.of === work) return this.#last.given
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(reject)
    promise.catch(() => {})
    const end = (): void => {
      this.#waiting.delete(reject)
      if (this.#last?.given === promise) this.#last = undefined
    }
    work.finally(end).then(resolve, reject)
    this.#last = { of: work, given: promise }
    return promise
  }
}
