/**
 * The names of the keys of a stream that processes share. On a Cluster, what the groups share is in one slot and each
 * shard is in one of its own, so that the shards spread over the servers. No queue has such a name: there, a percent
 * sign would be written in another way.
 */
export class StreamKeys {
  /** Of what belongs to the stream and its groups. */
  readonly base: string
  readonly #stem: string

  constructor(prefix: string, name: string) {
    this.#stem = `${prefix}:%stream:${name.replaceAll(/[%{}:]/g, encodeURIComponent)}`
    this.base = `{${this.#stem}}`
  }

  /** Of what belongs to a shard. */
  shard(shard: number): string {
    return `{${this.#stem}:${shard}}`
  }

  /** Where it is published that a shard has new records. */
  records(shard: number): string {
    return `${this.shard(shard)}:new`
  }

  /** Where it is published that members or owners have changed; see lua/leases.ts. */
  changes(group: string): string {
    return `${this.base}:g:${group}:changed`
  }
}
