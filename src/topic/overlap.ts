import type { Level } from './topic-filter.ts'

/** A filter in the tree of filters that `Overlaps` keeps. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>
  one: Node<T> | undefined
  rest: T | undefined
  end: T | undefined
}

/** Filters, and which of them have topics in common. */
export class Overlaps<T> {
  readonly #root: Node<T> = emptyNode()

  /** Each filter once. */
  add(levels: readonly Level[], value: T): void {
    let node = this.#root
    for (const level of levels) {
      if (level.kind === 'rest') {
        node.rest = value
        return
      }
      if (level.kind === 'one') node = node.one ??= emptyNode()
      else {
        const known = node.literals.get(level.text)
        if (known === undefined) node.literals.set(level.text, (node = emptyNode()))
        else node = known
      }
    }
    node.end = value
  }

  /** All that have a topic in common with this filter; itself too when it was added. */
  of(levels: readonly Level[]): T[] {
    const found: T[] = []
    collect(this.#root, levels, 0, found, true)
    return found
  }
}

function emptyNode<T>(): Node<T> {
  return { literals: new Map(), one: undefined, rest: undefined, end: undefined }
}

/** @param at how many levels were compared; less than the depth of `node` below a `#`. */
function collect<T>(node: Node<T>, levels: readonly Level[], at: number, found: T[], top = false): void {
  const level = levels[at]
  const ofBroker = top && level?.kind === 'literal' && level.text.startsWith('$')
  if (node.rest !== undefined && !ofBroker) found.push(node.rest)
  if ((level === undefined || level.kind === 'rest') && node.end !== undefined) found.push(node.end)
  if (level === undefined) return
  // `#` stands for each level below.
  const next = level.kind === 'rest' ? at : at + 1
  if (node.one !== undefined && !ofBroker) collect(node.one, levels, next, found)
  if (level.kind === 'literal') {
    const literal = node.literals.get(level.text)
    if (literal !== undefined) collect(literal, levels, next, found)
    return
  }
  for (const [text, literal] of node.literals) {
    // A wildcard at the first level does not match what belongs to the broker.
    if (!top || !text.startsWith('$')) collect(literal, levels, next, found)
  }
}

/** True when every topic that matches `narrow` matches `wide` too. */
export function covers(wide: readonly Level[], narrow: readonly Level[]): boolean {
  const first = narrow[0]!
  if (first.kind === 'literal' && first.text.startsWith('$') && wide[0]!.kind !== 'literal') return false
  for (const [index, level] of wide.entries()) {
    if (level.kind === 'rest') return true
    const other = narrow[index]
    if (other === undefined || other.kind === 'rest') return false
    if (level.kind === 'literal' && !(other.kind === 'literal' && other.text === level.text)) return false
  }
  return wide.length === narrow.length
}

/**
 * Which of two filters that overlap is the more specific one: below 0 when it is the first. Level by level, from the
 * left, a literal comes before `+` before `#`; a filter that ends comes before one that goes on with `#`.
 */
export function compareSpecificity(a: readonly Level[], b: readonly Level[]): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const difference = RANK[a[index]!.kind] - RANK[b[index]!.kind]
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const RANK: Readonly<Record<Level['kind'], number>> = { literal: 0, one: 1, rest: 2 }
