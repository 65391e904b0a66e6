/**
 * `pending`: it was asked for, and its first book has not come, or its connection is gone. `subscribed`: it is told of.
 * `expired`: it was asked for again and again, and its book never came.
 */
export type SubscriptionStatus = 'pending' | 'subscribed' | 'expired'

/** One asset that the service follows. */
export interface Subscription {
  readonly asset: string
  readonly status: SubscriptionStatus
  /** Undefined until its first book has come. */
  readonly market: string | undefined
  /** ms since 1970, of this status. */
  readonly since: number
  /** How often it was asked for since its book came last. */
  readonly tries: number
}

interface Entry<Source> {
  asset: string
  status: SubscriptionStatus
  market: string | undefined
  since: number
  tries: number
  /** Who was asked for it last. */
  source: Source | undefined
}

/** Which assets are followed, how far that has come, and which connection tells of which market. */
export class Registry<Source> {
  readonly #assets = new Map<string, Entry<Source>>()
  readonly #markets = new Map<string, string[]>()
  readonly #owners = new Map<string, Source>()

  get size(): number {
    return this.#assets.size
  }

  get markets(): ReadonlyMap<string, readonly string[]> {
    return this.#markets
  }

  /** @returns those that were not there, or had expired. */
  add(assets: readonly string[]): string[] {
    return [...new Set(assets)].filter((asset) => {
      const known = this.#assets.get(asset)
      if (known !== undefined && known.status !== 'expired') return false
      const { market, source } = known ?? { market: undefined, source: undefined }
      this.#assets.set(asset, { asset, status: 'pending', market, since: Date.now(), tries: 0, source })
      return true
    })
  }

  get(asset: string): Subscription | undefined {
    return this.#assets.get(asset)
  }

  list(): Subscription[] {
    return [...this.#assets.values()].map(({ asset, status, market, since, tries }) => ({
      ...{ asset, status, market, since, tries },
    }))
  }

  count(): Record<SubscriptionStatus, number> {
    const counts = { pending: 0, subscribed: 0, expired: 0 }
    for (const { status } of this.#assets.values()) counts[status]++
    return counts
  }

  /** They were asked for at this connection. */
  asked(assets: Iterable<string>, source: Source): void {
    for (const asset of assets) {
      const entry = this.#assets.get(asset)
      if (entry === undefined) continue
      entry.tries++
      entry.source = source
    }
  }

  /** Who was asked for it last. */
  sourceOf(asset: string): Source | undefined {
    return this.#assets.get(asset)?.source
  }

  triesOf(asset: string): number {
    return this.#assets.get(asset)?.tries ?? 0
  }

  /** A book of it has come. */
  arrived(asset: string, market: string): void {
    const entry = this.#assets.get(asset)
    if (entry === undefined) return
    entry.tries = 0
    if (entry.market !== market) {
      entry.market = market
      this.#markets.set(market, [...(this.#markets.get(market) ?? []), asset])
    }
    this.#move(entry, 'subscribed')
  }

  /** They are not told of any more. */
  lost(assets: Iterable<string>): void {
    for (const asset of assets) {
      const entry = this.#assets.get(asset)
      if (entry?.status === 'subscribed') this.#move(entry, 'pending')
    }
  }

  expire(asset: string): void {
    const entry = this.#assets.get(asset)
    if (entry !== undefined) this.#move(entry, 'expired')
  }

  /** The connection whose frames about the market are taken; those of others are not. */
  owner(market: string): Source | undefined {
    return this.#owners.get(market)
  }

  own(market: string, source: Source): void {
    this.#owners.set(market, source)
  }

  disown(market: string): void {
    this.#owners.delete(market)
  }

  ownedBy(source: Source): string[] {
    return [...this.#owners].filter(([, owner]) => owner === source).map(([market]) => market)
  }

  owns(source: Source): boolean {
    for (const owner of this.#owners.values()) if (owner === source) return true
    return false
  }

  #move(entry: Entry<Source>, status: SubscriptionStatus): void {
    if (entry.status === status) return
    entry.status = status
    entry.since = Date.now()
  }
}
