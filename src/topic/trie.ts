import type { Level } from './topic-filter.ts'
import { hashOf, type TopicReader } from './topic-reader.ts'

const DOLLAR = 36
const ROOT = 0
const NONE = -1

/** A node has four numbers: the node below `+`, which filter `#` here and an end here are of, and its literals. */
const NODE = 4
const [ONE, REST, END, LITERALS] = [0, 1, 2, 3]
/** A literal level has three: its parent, its hash, and where it leads to. */
const ENTRY = 3
const [PARENT, HASH, TARGET] = [0, 1, 2]

interface Literal {
  readonly parent: number
  readonly text: string
  /** Its node; of one where a filter ends and nothing else is, `~filter`. */
  readonly target: number
}

/**
 * Topic filters, no two alike. Of those that match a topic the most specific comes first: level by level from the left,
 * a literal before `+` before `#`.
 *
 * All nodes are in one array of numbers, and all literal levels in one hash table of numbers, so that a step down is one
 * look into each and 10,000 filters stay in the cache of a core. Nothing is allocated for a match.
 */
export class Trie {
  readonly #nodes: Int32Array
  readonly #table: Int32Array
  /** The text of each literal in the table. */
  readonly #texts: readonly string[]
  readonly #shift: number
  readonly #reader: TopicReader
  #topic = ''
  #skip = 0

  /** @param reader one that reads as deep as the deepest of the filters. */
  constructor(filters: readonly (readonly Level[])[], reader: TopicReader) {
    const { nodes, literals } = grow(filters)
    let bits = 1
    while (2 ** bits * 0.75 < literals.length) bits++
    this.#nodes = Int32Array.from(nodes)
    this.#table = new Int32Array(2 ** bits * ENTRY).fill(NONE)
    this.#shift = 32 - bits
    this.#texts = this.#placed(literals, 2 ** bits)
    this.#reader = reader
  }

  /**
   * @param skip how many of the most specific matches are passed over.
   * @returns the place of the filter among those that were given; -1 when there is none, or no other.
   */
  match(topic: string, skip = 0): number {
    this.#reader.read(topic)
    this.#topic = topic
    this.#skip = skip
    // A wildcard at the first level does not match what belongs to the broker (MQTT-4.7.2-1).
    return topic.charCodeAt(0) === DOLLAR ? this.#below(ROOT, 0) : this.#walk(ROOT, 0)
  }

  #walk(node: number, level: number): number {
    const nodes = this.#nodes
    const at = node * NODE
    if (level === this.#reader.count) {
      if (nodes[at + END] !== NONE && this.#skip-- === 0) return nodes[at + END]!
    } else {
      if (nodes[at + LITERALS] !== 0) {
        const found = this.#below(node, level)
        if (found !== NONE) return found
      }
      if (nodes[at + ONE] !== NONE) {
        const found = this.#walk(nodes[at + ONE]!, level + 1)
        if (found !== NONE) return found
      }
    }
    return nodes[at + REST] !== NONE && this.#skip-- === 0 ? nodes[at + REST]! : NONE
  }

  #below(node: number, level: number): number {
    const table = this.#table
    const last = this.#texts.length - 1
    const hash = this.#reader.hashes[level]!
    for (let slot = this.#slotOf(node, hash); ; slot = slot === last ? 0 : slot + 1) {
      const at = slot * ENTRY
      const parent = table[at + PARENT]
      if (parent === NONE) return NONE
      if (parent !== node || table[at + HASH] !== hash || !this.#is(this.#texts[slot]!, level)) continue
      const target = table[at + TARGET]!
      if (target >= 0) return this.#walk(target, level + 1)
      return level + 1 === this.#reader.count && this.#skip-- === 0 ? ~target : NONE
    }
  }

  #is(text: string, level: number): boolean {
    const start = this.#reader.starts[level]!
    return this.#reader.ends[level]! - start === text.length && this.#topic.startsWith(text, start)
  }

  #slotOf(parent: number, hash: number): number {
    return Math.imul(hash ^ Math.imul(parent, 0x85ebca6b), 0x9e3779b1) >>> this.#shift
  }

  #placed(literals: readonly Literal[], slots: number): string[] {
    const texts = Array.from({ length: slots }, () => '')
    // Many levels have the same text: one of each is enough.
    const interned = new Map<string, string>()
    for (const { parent, text, target } of literals) {
      const hash = hashOf(text)
      let slot = this.#slotOf(parent, hash)
      while (this.#table[slot * ENTRY] !== NONE) slot = slot === slots - 1 ? 0 : slot + 1
      this.#table.set([parent, hash, target], slot * ENTRY)
      if (!interned.has(text)) interned.set(text, text)
      texts[slot] = interned.get(text)!
    }
    return texts
  }
}

function grow(filters: readonly (readonly Level[])[]): { nodes: number[]; literals: readonly Literal[] } {
  const nodes: number[] = []
  const below: (Map<string, number> | undefined)[] = []
  const newNode = (): number => nodes.push(NONE, NONE, NONE, 0) / NODE - 1
  const literalBelow = (parent: number, text: string): number => {
    const known = (below[parent] ??= new Map<string, number>())
    let node = known.get(text)
    if (node === undefined) {
      node = newNode()
      known.set(text, node)
      nodes[parent * NODE + LITERALS]!++
    }
    return node
  }
  newNode()
  for (const [index, levels] of filters.entries()) {
    let node = ROOT
    for (const level of levels) {
      if (level.kind === 'rest') break
      if (level.kind === 'literal') node = literalBelow(node, level.text)
      else if (nodes[node * NODE + ONE] !== NONE) node = nodes[node * NODE + ONE]!
      else node = nodes[node * NODE + ONE] = newNode()
    }
    nodes[node * NODE + (levels.at(-1)!.kind === 'rest' ? REST : END)] = index
  }
  const literals: Literal[] = []
  for (const [parent, known] of below.entries()) {
    for (const [text, node] of known ?? []) {
      const [one, rest, end, deeper] = nodes.slice(node * NODE, (node + 1) * NODE)
      const isLeaf = one === NONE && rest === NONE && deeper === 0
      literals.push({ parent, text, target: isLeaf ? ~end! : node })
    }
  }
  return { nodes, literals }
}
