import type { JobRef } from '../../queue/job.ts'

/**
 * What decides in which part of a Redis Cluster a queue lives. `queue`: each queue has a hash tag of its own, so
 * queues spread over the servers. `store`: all queues of a prefix share one, so follow-ups can go to any of them.
 */
export type HashTag = 'queue' | 'store'

/** The names of all keys of a store. */
export class Keys {
  /** Says whose keys these are. */
  readonly marker: string
  /** The names of all queues that were ever used. */
  readonly queues: string
  /** Who looks at all queues for everybody. */
  readonly looker: string
  /** Where it is published that this was done. */
  readonly looked: string
  readonly #prefix: string
  readonly #hashTag: HashTag
  readonly #bases = new Map<string, string>()

  constructor(prefix: string, hashTag: HashTag) {
    this.#prefix = prefix
    this.#hashTag = hashTag
    this.marker = `${prefix}:store`
    this.queues = `${prefix}:queues`
    this.looker = `${prefix}:looker`
    this.looked = `${prefix}:looked`
  }

  /** What all keys of a queue begin with. A brace in its name would end the hash tag. */
  base(queue: string): string {
    let base = this.#bases.get(queue)
    if (base === undefined) {
      const name = queue.replaceAll(/[%{}]/g, encodeURIComponent)
      base = this.#hashTag === 'queue' ? `{${this.#prefix}:${name}}` : `{${this.#prefix}}:${name}`
      // Of few queues, but names may come from outside.
      if (this.#bases.size > 1000) this.#bases.clear()
      this.#bases.set(queue, base)
    }
    return base
  }

  /** Where a queue's wake-ups are published. */
  channel(queue: string): string {
    return `${this.base(queue)}:wake`
  }

  /** The queues in which an owner has claims. */
  owner(owner: string): string {
    return `${this.#prefix}:owner:${owner}`
  }
}

/** What names one job for ever; see lua/base.ts. */
export function entryOf({ seq, id }: Pick<JobRef, 'seq' | 'id'>): string {
  return `${seq}:${id}`
}
