import type { Claims } from '../worker/placement/claims.ts'
import { openBackend } from './open-backend.ts'

/** Gives back what an owner that is known to be dead has claimed. */
export async function releaseClaims({ store, owner, policy }: Claims): Promise<void> {
  const backend = await openBackend(store)
  try {
    await backend.open()
    await backend.releaseOwner(owner, policy)
  } finally {
    await backend.close()
  }
}
