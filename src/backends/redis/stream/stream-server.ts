import type { ConnectionOptions } from '../connection.ts'
import type { StreamKeys } from './stream-keys.ts'
import type { StreamScripts } from './stream-scripts.ts'

/** Where a stream is and how it is reached, for its producers and its sources. */
export interface StreamServer {
  readonly name: string
  /** What was asked for; undefined to take what there is. */
  readonly shards: number | undefined
  readonly keys: StreamKeys
  readonly scripts: StreamScripts
  readonly connection: ConnectionOptions
  /** Names the server in errors, without credentials. */
  readonly label: string
  readonly allowEviction: boolean
}
