import type { Backend } from '../backend.ts'
import type { Settler } from './settler.ts'

/** Progress is written so often at the most, the last value of each job. */
const EVERY_MS = 200

/** Writes the progress of running jobs, a few times a second, all in one call. */
export class ProgressWriter {
  readonly #backend: Backend
  readonly #settler: Settler
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(backend: Backend, settler: Settler, onError: (error: unknown) => void) {
    this.#backend = backend
    this.#settler = settler
    this.#onError = onError
  }

  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const updates = this.#settler.takeProgress()
      // Only a note: one that cannot be written is reported, and the next one may succeed.
      if (updates.length > 0) this.#backend.progress(updates).catch(this.#onError)
    }, EVERY_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
