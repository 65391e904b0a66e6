import type { JobContext } from 'millhand'

/** Where a job is found. */
export interface JobPlace {
  readonly queue: string
  readonly id: string
}

/** What a job of this service leaves as its result. */
export interface JobResult {
  /** The jobs that came of it. They are stored in one step with this result. */
  readonly followUps: readonly JobPlace[]
}

/**
 * Collects the jobs that follow from one job. Its `next` is `context.followUp`, so that they are stored when the
 * job is, or not at all; and it writes down where they are, so that the audit can go and look.
 */
export class Trail {
  readonly #followUp: JobContext['followUp']
  readonly #places: Promise<JobPlace>[] = []

  constructor({ followUp }: Pick<JobContext, 'followUp'>) {
    this.#followUp = followUp
  }

  readonly next: JobContext['followUp'] = (queue, ...job) => {
    const id = this.#followUp(queue, ...job)
    const place = id.then((known) => ({ queue: queue.name, id: known }))
    // `result` rejects with it; a subscriber that does not wait must not cause an unhandled rejection.
    place.catch(() => {})
    this.#places.push(place)
    return id
  }

  async result(): Promise<JobResult> {
    return { followUps: await Promise.all(this.#places) }
  }
}
