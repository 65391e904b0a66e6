import { RetryPolicy } from 'millhand'

export interface FeedOptions {
  /** `ws:` or `wss:`. */
  readonly url: string
  /** Assets of one connection at most. Above some 500 the real feed may never send their books. Default: 500. */
  readonly maxAssets?: number
  /** A connection without a frame for so long is given up. Default: 60,000 ms. */
  readonly silenceMs?: number
  /** How often PING is sent. Default: 10,000 ms. */
  readonly pingMs?: number
  /** An asset whose book has not come so long after it was asked for is asked for again. Default: 10,000 ms. */
  readonly bookMs?: number
  /** So often, then it expires. Default: 3. */
  readonly maxTries?: number
  /** A connection is replaced when it is so old, and its assets get fresh books by that. Default: 10 min. */
  readonly maxAgeMs?: number
  /** Markets that need a fresh book are collected so long before a connection is opened for them. Default: 250 ms. */
  readonly repairMs?: number
  /** A larger frame ends its connection. Default: 8 MiB; the books of 500 assets take some 3. */
  readonly maxFrameBytes?: number
  /** The waits before a connection is tried again. Default: 1 s, doubled each time, 30 s at most, and spread. */
  readonly backoff?: RetryPolicy
}

export const FEED_DEFAULTS: Required<Omit<FeedOptions, 'url'>> = {
  maxAssets: 500,
  silenceMs: 60_000,
  pingMs: 10_000,
  bookMs: 10_000,
  maxTries: 3,
  maxAgeMs: 600_000,
  repairMs: 250,
  maxFrameBytes: 8 * 1024 * 1024,
  backoff: new RetryPolicy({ baseDelay: '1s', maxDelay: '30s', backoffFactor: 2, jitter: 'equal' }),
}

/** What has happened to the connections. */
export interface FeedCounts {
  frames: number
  /** Frames that are no text, or could not be taken apart. */
  broken: number
  binary: number
  /** Of no market. */
  skipped: number
  /** Of a market that another connection tells of. */
  foreign: number
  opened: number
  /** Ended by the other side, or for its silence. */
  ended: number
  /** Replaced by another one, without a loss. */
  recycled: number
  /** Markets that asked for a fresh book. */
  repairs: number
}

export function newFeedCounts(): FeedCounts {
  return {
    ...{
      frames: 0,
      broken: 0,
      binary: 0,
      skipped: 0,
      foreign: 0,
      opened: 0,
      ended: 0,
      recycled: 0,
      repairs: 0,
    },
  }
}
