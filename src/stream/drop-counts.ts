/** Of more keys it is only known how many messages they lost together. */
const MOST_KEYS = 10_000

/** How many messages were dropped, for ever, by key as far as there is room. */
export class DropCounts {
  readonly byKey: Map<string, number> = new Map()
  total = 0

  add(key: string): void {
    this.total++
    const count = this.byKey.get(key)
    if (count !== undefined || this.byKey.size < MOST_KEYS) this.byKey.set(key, (count ?? 0) + 1)
  }
}
