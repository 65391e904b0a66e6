/** The order books of a prediction market, followed and served. */
import { createLogger, Server } from 'millhand'
import { BookService } from './book-service.ts'
import { FeedWorker } from './feed/feed-worker.ts'
import { USUAL_FAULTS } from './frames.ts'
import { isWell, onceText } from './once-text.ts'
import { readOptions } from './options.ts'
import { PlainBooks } from './plain-books.ts'
import { replayOnce } from './replay-once.ts'
import { Exchange } from './replay/exchange.ts'
import { ReplayServer } from './replay/replay-server.ts'
import { WebWorker } from './web/web-worker.ts'

const options = readOptions(process.argv.slice(2))
const { once, json, seed, placement, workers } = options
const logger = createLogger(process.env['LOG_LEVEL'] === undefined ? { level: 'warn' } : {})
const plain = new PlainBooks()
const exchange = options.url === undefined ? new Exchange({ seed, markets: options.markets }) : undefined
const replay = exchange && (await startReplay(exchange))
const assets = exchange?.markets.flatMap((market) => market.assets) ?? options.assets

const feed = { url: options.url ?? replay!.url }
const service = new BookService({ feed, workers, placement, logger })
const web = new WebWorker({ service, host: options.host, port: options.port }, logger)
const server = new Server({ logger, onGiveUp: 'exit' })
server
  .add(service.group)
  .add(new FeedWorker(service.feed, assets, logger))
  .add(web)
const isReady = new Promise<boolean>((resolve) => server.events.on('ready', () => resolve(true)))
const running = server.runForever()
if (await Promise.race([isReady, running.then(() => false)])) {
  if (once && replay !== undefined) await checkOnce(replay)
  else {
    console.log(`serving ${web.url}/markets, /orderbook/ASSET and /ws/orderbook; Ctrl-C ends`)
    void replay?.play(Infinity, options.rate)
  }
} else if (web.error !== undefined) console.error(`error: ${web.error.message}`)
await running
await replay?.close()

async function startReplay(of: Exchange): Promise<ReplayServer> {
  // Its books as they begin; then what it tells.
  for (const asset of of.markets.flatMap((market) => market.assets)) plain.apply(of.bookText(asset)!)
  const onFrame = (text: string): void => plain.apply(text)
  return ReplayServer.listen({ exchange: of, seed, faults: USUAL_FAULTS, ...(once && { onFrame }) })
}

async function checkOnce(from: ReplayServer): Promise<void> {
  try {
    const result = await replayOnce({ service, replay: from, plain, assets, frames: options.frames })
    console.log(json ? JSON.stringify(result.summary) : onceText(result))
    if (!isWell(result.summary)) process.exitCode = 1
  } catch (error) {
    console.error(`error: ${(error as Error).message}`)
    process.exitCode = 1
  }
  void server.stop()
}
