/** More than so many objects are not looked through: their message is theirs alone. */
const MAX_OBJECTS = 64
const PLAIN: ReadonlySet<unknown> = new Set([Object.prototype, Array.prototype, null])

/**
 * Keeps apart what has objects in common. A message is copied as a whole: what two of its values have in common, their
 * copies would have in common too, and whoever changes one of them would change the other.
 */
export class Kinship {
  readonly #seen = new Set<object>()
  /** Something is in the message of which not everything was looked at. */
  #isUnsure = false

  /** @returns false when the values have, or may have, objects in common with earlier ones; they are not added then. */
  add(values: readonly unknown[]): boolean {
    if (!values.some(isObject)) return true
    const found = new Set<object>()
    const isSure = isCollected(values, found)
    if (this.#isUnsure || (!isSure && this.#seen.size > 0)) return false
    for (const object of found) if (this.#seen.has(object)) return false
    for (const object of found) this.#seen.add(object)
    this.#isUnsure = !isSure
    return true
  }

  /** A new message begins. */
  clear(): void {
    this.#isUnsure = false
    if (this.#seen.size > 0) this.#seen.clear()
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isCollected(values: readonly unknown[], found: Set<object>): boolean {
  try {
    return collect(values, found)
  } catch {
    // A getter that throws: whoever copies it will hear of it.
    return false
  }
}

/** @returns false when there may be more. */
function collect(values: readonly unknown[], found: Set<object>): boolean {
  for (const value of values) {
    if (!isObject(value) || found.has(value)) continue
    found.add(value)
    if (found.size > MAX_OBJECTS) return false
    if (ArrayBuffer.isView(value)) found.add(value.buffer)
    else if (value instanceof Date || value instanceof ArrayBuffer) continue
    else if (!PLAIN.has(Object.getPrototypeOf(value))) return false
    else if (!collect(Array.isArray(value) ? value : Object.values(value), found)) return false
  }
  return true
}
