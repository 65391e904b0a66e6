import type { Level } from './topic-filter.ts'

const SLASH = 47
const DOLLAR = 36

/** One level of all filters that begin alike. */
interface Node<T> {
  /** Literal levels below, by the hash of their text: a table that is twice as large as it need be, or empty. */
  table: (Literal<T> | undefined)[]
  literals: number
  /** Below `+`. */
  one: Node<T> | undefined
  /** What `#` at this place leads to. */
  rest: T | undefined
  /** What a filter that ends here leads to. */
  end: T | undefined
}

interface Literal<T> {
  readonly hash: number
  readonly text: string
  readonly node: Node<T>
}

function emptyNode<T>(): Node<T> {
  return { table: [], literals: 0, one: undefined, rest: undefined, end: undefined }
}

/**
 * Topic filters, and what each leads to. Of the filters that match a topic the most specific comes first: level by
 * level, from the left, a literal before `+` before `#`.
 *
 * A topic is hashed level by level in one pass over its characters, no deeper than the filters go; then each step down
 * is a look into a small table. No text is cut out of the topic, and nothing is allocated.
 */
export class Trie<T> {
  readonly #root = emptyNode<T>()
  /** Of the topic that is being matched: where each level begins and ends, and its hash. */
  #starts = new Int32Array(1)
  #ends = new Int32Array(1)
  #hashes = new Int32Array(1)
  /** How many levels of the topic were read: all, or one more than the deepest filter has. */
  #count = 0
  #depth = 0
  #topic = ''
  #skip = 0

  /** @returns what the same filter leads to already; then nothing is changed. */
  add(levels: readonly Level[], value: T): T | undefined {
    let node = this.#root
    for (const level of levels) {
      if (level.kind === 'rest') {
        if (node.rest !== undefined) return node.rest
        node.rest = value
        this.#deepen(levels.length)
        return undefined
      }
      if (level.kind === 'literal') node = childOf(node, level.text)
      else node = node.one ??= emptyNode()
    }
    if (node.end !== undefined) return node.end
    node.end = value
    this.#deepen(levels.length)
    return undefined
  }

  /**
   * @param skip how many of the most specific matches are passed over.
   * @returns undefined when there is none, or no other.
   */
  match(topic: string, skip = 0): T | undefined {
    this.#read(topic)
    this.#topic = topic
    this.#skip = skip
    const root = this.#root
    if (topic.charCodeAt(0) !== DOLLAR) return this.#walk(root, 0)
    // A wildcard at the first level does not match what belongs to the broker (MQTT-4.7.2-1).
    const below = root.literals === 0 ? undefined : this.#literal(root, 0)
    return below === undefined ? undefined : this.#walk(below, 1)
  }

  #deepen(levels: number): void {
    if (levels <= this.#depth) return
    this.#depth = levels
    this.#starts = new Int32Array(levels + 1)
    this.#ends = new Int32Array(levels + 1)
    this.#hashes = new Int32Array(levels + 1)
  }

  #read(topic: string): void {
    const starts = this.#starts
    const ends = this.#ends
    const hashes = this.#hashes
    const last = this.#depth
    const { length } = topic
    let level = 0
    let start = 0
    let hash = 0
    for (let at = 0; at < length; at++) {
      const code = topic.charCodeAt(at)
      if (code !== SLASH) {
        hash = mixed(hash, code)
        continue
      }
      starts[level] = start
      ends[level] = at
      hashes[level] = hash
      // Deeper than any filter: that there is more is all that matters.
      if (level++ === last) {
        this.#count = level
        return
      }
      start = at + 1
      hash = 0
    }
    starts[level] = start
    ends[level] = length
    hashes[level] = hash
    this.#count = level + 1
  }

  #walk(node: Node<T>, level: number): T | undefined {
    if (level === this.#count) {
      if (node.end !== undefined && this.#skip-- === 0) return node.end
    } else {
      const literal = node.literals === 0 ? undefined : this.#literal(node, level)
      if (literal !== undefined) {
        const found = this.#walk(literal, level + 1)
        if (found !== undefined) return found
      }
      if (node.one !== undefined) {
        const found = this.#walk(node.one, level + 1)
        if (found !== undefined) return found
      }
    }
    return node.rest !== undefined && this.#skip-- === 0 ? node.rest : undefined
  }

  #literal({ table }: Node<T>, level: number): Node<T> | undefined {
    const hash = this.#hashes[level]!
    const mask = table.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = table[slot]
      if (entry === undefined) return undefined
      if (entry.hash === hash && this.#is(entry.text, level)) return entry.node
    }
  }

  #is(text: string, level: number): boolean {
    const start = this.#starts[level]!
    return text.length === this.#ends[level]! - start && this.#topic.startsWith(text, start)
  }
}

/** One step of a hash by multiplication, folded so that the low bits depend on all. */
function mixed(hash: number, code: number): number {
  const next = Math.imul(hash ^ code, 0x9e3779b1)
  return next ^ (next >>> 15)
}

function hashOf(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = mixed(hash, text.charCodeAt(at))
  return hash
}

function childOf<T>(node: Node<T>, text: string): Node<T> {
  const hash = hashOf(text)
  const mask = node.table.length - 1
  for (let slot = hash & mask; node.literals > 0; slot = (slot + 1) & mask) {
    const entry = node.table[slot]
    if (entry === undefined) break
    if (entry.hash === hash && entry.text === text) return entry.node
  }
  if ((node.literals + 1) * 2 > node.table.length) grow(node)
  const child = emptyNode<T>()
  put(node.table, { hash, text, node: child })
  node.literals++
  return child
}

function grow<T>(node: Node<T>): void {
  const old = node.table
  node.table = Array.from({ length: Math.max(2, old.length * 2) })
  for (const entry of old) if (entry !== undefined) put(node.table, entry)
}

function put<T>(table: (Literal<T> | undefined)[], entry: Literal<T>): void {
  const mask = table.length - 1
  let slot = entry.hash & mask
  while (table[slot] !== undefined) slot = (slot + 1) & mask
  table[slot] = entry
}
