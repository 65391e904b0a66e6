/**
 * The same once more, as plainly as can be: maps from price to size, both as the text that came, changed in the order
 * in which frames arrive. It knows nothing of gaps or of time. What the service holds is checked against it.
 */
export class PlainBooks {
  readonly #assets = new Map<string, Record<'BUY' | 'SELL', Map<string, string>>>()

  get assets(): string[] {
    return [...this.#assets.keys()]
  }

  /** A frame that is whole: one object or an array of them. */
  apply(text: string): void {
    const value = JSON.parse(text) as PlainEvent | readonly PlainEvent[]
    for (const event of Array.isArray(value) ? (value as readonly PlainEvent[]) : [value as PlainEvent]) {
      if (event.event_type === 'book') {
        const side = (levels: readonly PlainLevel[]): Map<string, string> =>
          new Map(levels.map(({ price, size }) => [price, size]))
        this.#assets.set(event.asset_id, { BUY: side(event.bids), SELL: side(event.asks) })
      }
      if (event.event_type !== 'price_change') continue
      for (const { asset_id: asset, side, price, size } of event.price_changes) {
        const levels = this.#assets.get(asset)?.[side]
        if (size === '0') levels?.delete(price)
        else levels?.set(price, size)
      }
    }
  }

  /** Best first. */
  levels(asset: string, side: 'BUY' | 'SELL'): PlainLevel[] {
    const levels = [...(this.#assets.get(asset)?.[side] ?? [])].map(([price, size]) => ({ price, size }))
    const sign = side === 'BUY' ? -1 : 1
    return levels.toSorted((a, b) => sign * (Number(a.price) - Number(b.price)))
  }
}

interface PlainLevel {
  readonly price: string
  readonly size: string
}

type PlainEvent =
  | {
      readonly event_type: 'book'
      readonly asset_id: string
      readonly bids: readonly PlainLevel[]
      readonly asks: readonly PlainLevel[]
    }
  | {
      readonly event_type: 'price_change'
      readonly price_changes: readonly (PlainLevel & {
        readonly asset_id: string
        readonly side: 'BUY' | 'SELL'
      })[]
    }
  | { readonly event_type: 'last_trade_price' }
