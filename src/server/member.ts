import type { WorkerHandle } from '../worker/handle.ts'
import { isAlive } from '../worker/lifecycle.ts'

/** One worker of a server. */
export interface Member {
  readonly handle: WorkerHandle
  /** What it may take to stop, from when it is asked; undefined for what is left of the server's budget. */
  readonly stopTimeoutMs: number | undefined
}

/** Those that have begun a life and not ended it. */
export function living(members: readonly Member[]): Member[] {
  return members.filter(({ handle }) => isAlive(handle.state))
}
