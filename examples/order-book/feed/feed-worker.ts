import { once } from 'node:events'
import { Worker, type Logger } from 'millhand'
import type { Feed } from './feed.ts'

/** Minds the feed: it is followed while this runs. */
export class FeedWorker extends Worker<{ readonly feed: Feed; readonly assets: readonly string[] }> {
  constructor(feed: Feed, assets: readonly string[], logger: Logger) {
    super({ name: 'feed', feed, assets, logger })
  }

  protected override async main(): Promise<void> {
    this.options.feed.subscribe(this.options.assets)
    if (!this.signal.aborted) await once(this.signal, 'abort')
  }

  protected override teardown(): void {
    this.options.feed.stop()
  }
}
