import { FeedConnection, type ConnectionListener, type Ending } from './feed-connection.ts'
import { FEED_DEFAULTS, newFeedCounts, type FeedCounts, type FeedOptions } from './feed-options.ts'
import { Outgoing, type RouteFrame } from './outgoing.ts'
import { Registry } from './registry.ts'
import { marketOfOne, splitFrame, type FramePart } from './split-frame.ts'

/** A connection that has lived so long has been well: the next one need not wait. */
const WELL_MS = 60_000
const BOOK = '"book"'

/**
 * Follows assets by as many connections as they need. There is one way to heal whatever is wrong: a new connection asks
 * for the assets, and when the books of a market have come there, its frames are taken from it instead of the old one.
 * So it goes when a connection has ended, has grown old, has sent rubbish, or when a book needs to be fetched anew; no
 * frame is lost between the old one and the new one, and none is taken twice.
 */
export class Feed implements ConnectionListener {
  readonly registry: Registry<FeedConnection> = new Registry()
  readonly counts: FeedCounts = newFeedCounts()
  readonly #options: Required<FeedOptions>
  readonly #outgoing: Outgoing
  readonly #connections = new Set<FeedConnection>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Markets that wait for a connection that fetches their books. */
  #repairs = new Set<string>()
  #failures = 0
  #isStopped = false

  constructor(options: FeedOptions, route: RouteFrame) {
    this.#options = { ...FEED_DEFAULTS, ...options }
    this.#outgoing = new Outgoing(route, (isFull) => {
      for (const connection of this.#connections) {
        if (isFull) connection.pause()
        else connection.resume()
      }
    })
  }

  get connections(): readonly FeedConnection[] {
    return [...this.#connections]
  }

  /** Frames that the stream did not take. */
  get refused(): number {
    return this.#outgoing.refused
  }

  /** Follows these too. */
  subscribe(assets: readonly string[]): void {
    this.#openAll(this.registry.add(assets))
  }

  /** The books of the market are to be fetched anew. */
  repair(market: string): void {
    if (this.#isStopped || this.#repairs.has(market)) return
    this.counts.repairs++
    if (this.#repairs.size === 0) this.#later(this.#options.repairMs, () => this.#repairAll())
    this.#repairs.add(market)
  }

  /** All books are fetched anew, by new connections; the old ones serve until then. */
  recycle(): void {
    for (const connection of [...this.#connections]) this.#replace(connection)
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const connection of this.#connections) connection.close()
    this.#connections.clear()
  }

  opened(connection: FeedConnection): void {
    this.counts.opened++
    if (this.#outgoing.isFull) connection.pause()
    this.#later(this.#options.bookMs, () => this.#askAgain(connection))
    this.#later(this.#options.maxAgeMs, () => this.#replace(connection))
    this.#later(WELL_MS, () => {
      if (this.#connections.has(connection) && !connection.isMistrusted) this.#failures = 0
    })
  }

  frame(connection: FeedConnection, frame: Buffer | undefined): void {
    this.counts.frames++
    if (frame === undefined) {
      this.counts.binary++
      return this.#mistrust(connection)
    }
    // Almost always it is one object of a market that is this connection's: its bytes go on as they are.
    const only = connection.missing.size === 0 ? marketOfOne(frame) : undefined
    if (only !== undefined && this.registry.owner(only) === connection)
      return this.#outgoing.send(only, frame)
    const { parts, skipped, isBroken } = splitFrame(frame.toString())
    this.counts.skipped += skipped
    for (const part of parts) {
      const isTakingOver = connection.missing.size > 0 || connection.holds(part.market)
      if (connection.missing.size > 0 && part.text.includes(BOOK)) this.#noteBook(connection, part)
      if (this.registry.owner(part.market) === connection) this.#outgoing.send(part.market, part.text)
      else if (isTakingOver) this.#hold(connection, part)
      else this.counts.foreign++
    }
    if (!isBroken) return
    this.counts.broken++
    this.#mistrust(connection)
  }

  ended(connection: FeedConnection, ending: Ending): void {
    this.counts.ended++
    if (ending === 'too large') this.counts.broken++
    this.#connections.delete(connection)
    this.#release(connection)
    // What another connection has been asked for meanwhile is on its way already.
    const assets = this.#assetsOf(connection)
    if (this.#isStopped || assets.length === 0) return
    // Fewer of them are told of in smaller frames.
    const most = ending === 'too large' ? Math.ceil(assets.length / 2) : assets.length
    this.#later(this.#backOff(), () => {
      this.#openAll(assets.slice(0, most))
      this.#openAll(assets.slice(most))
    })
  }

  /** In connections of so many assets at most; the assets of one market stay together. */
  #openAll(assets: readonly string[]): void {
    if (this.#isStopped) return
    const wanted = assets.filter((asset) => this.registry.get(asset)?.status !== 'expired')
    const { maxAssets } = this.#options
    for (let from = 0; from < wanted.length; from += maxAssets)
      this.#open(wanted.slice(from, from + maxAssets))
  }

  #open(assets: readonly string[]): void {
    const connection = new FeedConnection({ ...this.#options, assets }, this)
    this.registry.asked(assets, connection)
    this.#connections.add(connection)
  }

  /** A part of a frame is, perhaps, one of the books that this connection waits for. */
  #noteBook(connection: FeedConnection, { market, text }: FramePart): void {
    const asset = assetOfBook(text)
    if (asset !== undefined && connection.missing.delete(asset)) this.registry.arrived(asset, market)
  }

  /** Of a market that this connection does not own yet: until all its books have come here. */
  #hold(connection: FeedConnection, { market, text }: FramePart): void {
    if (!connection.hold(market, text)) return this.#giveUp(connection)
    const assets = this.registry.markets.get(market) ?? []
    const mine = assets.filter((asset) => connection.assets.has(asset))
    if (mine.length === 0 || mine.some((asset) => connection.missing.has(asset))) return
    const held = connection.unhold(market)
    const before = this.registry.owner(market)
    // Its other asset is followed elsewhere: one connection has to tell of both.
    if (before !== undefined && mine.length < assets.length) return this.repair(market)
    this.registry.own(market, connection)
    for (const each of held) this.#outgoing.send(market, each)
    if (before !== undefined) this.#closeIfDone(before)
  }

  /** Nothing is taken from it any more. */
  #closeIfDone(connection: FeedConnection): void {
    const { registry } = this
    if (!this.#connections.has(connection) || registry.owns(connection)) return
    if (this.#assetsOf(connection).length > 0) return
    this.counts.recycled++
    this.#connections.delete(connection)
    connection.close()
  }

  /** Something came that may have been about any market of it: all of them are asked for anew. */
  #mistrust(connection: FeedConnection): void {
    for (const market of this.registry.ownedBy(connection)) this.#outgoing.notify(market, 'unreadable')
    if (connection.isMistrusted) return
    connection.isMistrusted = true
    this.#later(this.#backOff(), () => this.#replace(connection))
  }

  /** More is held there than may be: books do not come that it was asked for. */
  #giveUp(connection: FeedConnection): void {
    connection.close()
    this.ended(connection, 'too large')
  }

  /** Assets that were not asked for elsewhere since. */
  #assetsOf(connection: FeedConnection): string[] {
    return [...connection.assets].filter((asset) => this.registry.sourceOf(asset) === connection)
  }

  #backOff(): number {
    return this.#options.backoff.delayMs(this.#failures++)
  }

  /** Asks for the same assets by a new connection. */
  #replace(connection: FeedConnection): void {
    if (!this.#connections.has(connection)) return
    const assets = this.#assetsOf(connection)
    if (assets.length > 0) this.#openAll(assets)
    else this.#closeIfDone(connection)
  }

  #repairAll(): void {
    const markets = [...this.#repairs]
    this.#repairs = new Set()
    this.#openAll(
      markets
        .flatMap((market) => [...(this.registry.markets.get(market) ?? [])])
        // It is being fetched already.
        .filter((asset) => !this.registry.sourceOf(asset)?.missing.has(asset)),
    )
    this.#merge()
  }

  /** Those whose book did not come: by other connections, with fewer of them at a time, and not for ever. */
  #askAgain(connection: FeedConnection): void {
    if (!this.#connections.has(connection)) return
    if (this.#outgoing.isFull) return this.#later(this.#options.bookMs, () => this.#askAgain(connection))
    const late = this.#assetsOf(connection).filter((asset) => connection.missing.has(asset))
    if (late.length === 0) return
    const again: string[] = []
    for (const asset of late) {
      if (this.registry.triesOf(asset) < this.#options.maxTries) again.push(asset)
      else this.registry.expire(asset)
      connection.missing.delete(asset)
    }
    const half = Math.ceil(again.length / 2)
    this.#openAll(again.slice(0, half))
    this.#openAll(again.slice(half))
    this.#closeIfDone(connection)
  }

  /** Repairs leave small connections behind: the smallest become one. */
  #merge(): void {
    const { maxAssets } = this.#options
    const most = Math.ceil(this.registry.size / maxAssets) + SPARE_CONNECTIONS
    if (this.#connections.size <= most) return
    const settled = [...this.#connections].filter(({ isOpen, missing }) => isOpen && missing.size === 0)
    const bySize = settled
      .map((connection) => this.#assetsOf(connection))
      .toSorted((a, b) => a.length - b.length)
    const merged: string[] = []
    for (const assets of bySize) if (merged.length + assets.length <= maxAssets) merged.push(...assets)
    if (merged.length > 0) this.#open(merged)
  }

  /** What it told of is told by nobody. */
  #release(connection: FeedConnection): void {
    const { registry } = this
    for (const market of registry.ownedBy(connection)) {
      registry.disown(market)
      registry.lost(registry.markets.get(market) ?? [])
      this.#outgoing.notify(market, 'disconnected')
    }
  }

  #later(ms: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#isStopped) task()
    }, ms)
    this.#timers.add(timer)
  }
}

/** Connections that may be there beyond what the assets need, before small ones are merged. */
const SPARE_CONNECTIONS = 4

function assetOfBook(text: string): string | undefined {
  try {
    const { event_type: type, asset_id: asset } = JSON.parse(text) as {
      event_type?: unknown
      asset_id?: unknown
    }
    return type === 'book' && typeof asset === 'string' ? asset : undefined
  } catch {
    return undefined
  }
}
