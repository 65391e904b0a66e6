import { announceClaims } from '../../worker/placement/claims.ts'
import type { AnyQueue } from '../any-queue.ts'

/** Tells whoever would see this thread or process die what it claims, where another process can give that back. */
export function tellClaims({ backend, settings }: AnyQueue, owner: string, isHeld: boolean): void {
  const { url: store } = backend.capabilities
  if (store === null) return
  const policy = { maxCrashes: settings.maxCrashes, keepDeadMs: settings.retention.dead }
  announceClaims({ store, owner, policy }, isHeld)
}
