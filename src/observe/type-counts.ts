/** The numbers of one job type. */
export interface TypeCounts {
  readonly processed: number
  readonly errors: number
}

/** Where the types above the limit are counted together. */
export const OTHER_TYPES = 'other'

/**
 * Counts by job type, for a limited number of types: a type that is made up from data must not fill the memory,
 * nor the metrics system behind. The first `limit` types have their own counts, the rest share {@link OTHER_TYPES}.
 */
export class CountsByType {
  readonly #counts = new Map<string, { processed: number; errors: number }>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  add(type: string, success: boolean): void {
    const counts = this.#counts.get(type) ?? this.#make(type)
    if (success) counts.processed++
    else counts.errors++
  }

  snapshot(): Record<string, TypeCounts> {
    // fromEntries defines own properties, so that a type named __proto__ is one as well.
    return Object.fromEntries([...this.#counts].map(([type, counts]) => [type, { ...counts }]))
  }

  #make(type: string): { processed: number; errors: number } {
    const full = this.#counts.size - (this.#counts.has(OTHER_TYPES) ? 1 : 0) >= this.#limit
    const label = full ? OTHER_TYPES : type
    const counts = this.#counts.get(label) ?? { processed: 0, errors: 0 }
    this.#counts.set(label, counts)
    return counts
  }
}
