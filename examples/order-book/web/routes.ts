import { Hono } from 'hono'
import { MillhandError } from 'millhand'
import type { BookService } from '../book-service.ts'
import { figuresOf, metricsText } from './figures.ts'

const DEFAULT_DEPTH = 10
/** No book has more. */
const MAX_DEPTH = 10_000
const PAGE = 500

/** What the service tells over HTTP. */
export function routes(service: BookService): Hono {
  const app = new Hono()
  const { registry } = service.feed

  app.get('/health', (context) => {
    const { healthy, problems } = service.health()
    return context.json({ healthy, problems }, healthy ? 200 : 503)
  })

  app.get('/stats', async (context) => context.json(await figuresOf(service)))

  app.get('/metrics', async (context) => context.text(await metricsText(service)))

  /** In the order of their names; `?after=ASSET` goes on after the last one of the page before. */
  app.get('/markets', (context) => {
    const after = context.req.query('after') ?? ''
    const all = registry.list().toSorted((a, b) => (a.asset < b.asset ? -1 : 1))
    const page = all.filter(({ asset }) => asset > after).slice(0, PAGE)
    const assets = page.map(({ asset, market, status, since }) => {
      const stale = market === undefined ? undefined : service.stale.get(market)
      return { asset, market: market ?? null, status, since, stale: stale ?? null }
    })
    return context.json({ assets, next: page.length < PAGE ? null : (page.at(-1)?.asset ?? null) })
  })

  /** `?depth=N` levels of each side. 200 with a book, which says when it may be wrong. */
  app.get('/orderbook/:asset', async (context) => {
    const depth = depthOf(context.req.query('depth'))
    if (depth === undefined) {
      return context.json({ error: `expected depth to be a whole number from 1 to ${MAX_DEPTH}` }, 400)
    }
    const subscription = registry.get(context.req.param('asset'))
    if (subscription === undefined)
      return context.json({ error: 'nobody follows an asset of that name' }, 404)
    const { asset, status } = subscription
    try {
      const book = await service.book(asset, depth)
      if (book !== null) return context.json(book)
      return context.json({ error: 'its book has not come yet', status }, 503)
    } catch (error) {
      if (!(error instanceof MillhandError)) throw error
      return context.json({ error: 'its worker did not answer in time' }, 504)
    }
  })

  app.notFound((context) =>
    context.json({ error: 'there is /health, /stats, /metrics, /markets and /orderbook/ASSET' }, 404),
  )
  return app
}

/** Undefined for what is none. */
export function depthOf(text: string | undefined): number | undefined {
  if (text === undefined) return DEFAULT_DEPTH
  const depth = Number(text)
  return /^\d{1,5}$/.test(text) && depth >= 1 && depth <= MAX_DEPTH ? depth : undefined
}
