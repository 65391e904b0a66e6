import type { Endpoint } from './endpoint.ts'
import type { Level } from './topic-filter.ts'
import type { TopicReader } from './topic-reader.ts'
import { Trie } from './trie.ts'

/** Endpoints that are matched against each other. */
export class RouteSet {
  readonly #endpoints: readonly Endpoint[]
  readonly #trie: Trie

  constructor(
    members: readonly { readonly endpoint: Endpoint; readonly levels: readonly Level[] }[],
    topics: TopicReader,
  ) {
    this.#endpoints = members.map(({ endpoint }) => endpoint)
    this.#trie = new Trie(
      members.map(({ levels }) => levels),
      topics,
    )
  }

  /**
   * The most specific endpoint that takes a topic.
   * @param skip how many more specific ones are passed over.
   */
  match(topic: string, skip = 0): Endpoint | undefined {
    const index = this.find(topic, skip)
    return index < 0 ? undefined : this.#endpoints[index]
  }

  /** The same as its place among the members; -1 when there is none. */
  find(topic: string, skip = 0): number {
    return this.#trie.match(topic, skip)
  }
}
