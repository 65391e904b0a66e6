import type { BookService } from '../book-service.ts'

/** All figures of the service at this moment, in groups. */
export async function figuresOf(service: BookService) {
  const { feed, group } = service
  const { workers, router } = await group.getStats()
  return {
    workers,
    router: {
      ...{ routed: router.routed, dropped: router.dropped, refused: router.refused, depth: router.depth },
      ...{ latency: router.latency, slots: router.slots },
    },
    books: { ...service.counts(), staleMarkets: service.stale.size },
    subscriptions: feed.registry.count(),
    feed: { ...feed.counts, refused: feed.refused },
    connections: feed.connections.map((connection) => ({
      assets: connection.assets.size,
      missing: connection.missing.size,
      isHealthy: connection.isHealthy,
      frames: connection.frames,
      lastFrameAt: connection.lastFrameAt,
    })),
  }
}

/** The same for Prometheus. */
export async function metricsText(service: BookService): Promise<string> {
  const { workers, router, books, subscriptions, feed, connections } = await figuresOf(service)
  const lines: string[] = []
  const add = (
    name: string,
    type: 'counter' | 'gauge',
    values: readonly (readonly [string, number])[],
  ): void => {
    lines.push(`# TYPE order_book_${name} ${type}`)
    for (const [labels, value] of values) lines.push(`order_book_${name}${labels} ${value}`)
  }
  for (const [name, count] of Object.entries(feed)) add(`feed_${snake(name)}_total`, 'counter', [['', count]])
  for (const [name, count] of Object.entries(books)) {
    if (name === 'staleMarkets') add('stale_markets', 'gauge', [['', count]])
    else add(`${snake(name)}_total`, 'counter', [['', count]])
  }
  add(
    'subscriptions',
    'gauge',
    Object.entries(subscriptions).map(([status, n]) => [`{status="${status}"}`, n]),
  )
  add('connections', 'gauge', [
    ['{healthy="true"}', connections.filter(({ isHealthy }) => isHealthy).length],
    ['{healthy="false"}', connections.filter(({ isHealthy }) => !isHealthy).length],
  ])
  add('routed_total', 'counter', [['', router.routed]])
  add('dropped_total', 'counter', [['', router.dropped]])
  add(
    'depth',
    'gauge',
    workers.map(({ name, depth }) => [`{worker="${name}"}`, depth]),
  )
  add(
    'worker_up',
    'gauge',
    workers.map(({ name, isAlive }) => [`{worker="${name}"}`, isAlive ? 1 : 0]),
  )
  add(
    'worker_messages_total',
    'counter',
    workers.map(({ name, stats }) => [`{worker="${name}"}`, stats?.messagesProcessed ?? 0]),
  )
  add(
    'worker_errors_total',
    'counter',
    workers.map(({ name, stats }) => [`{worker="${name}"}`, stats?.errors ?? 0]),
  )
  return `${lines.join('\n')}\n`
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
