import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'

/**
 * What a queue worker inside a thread or process holds in a store under one owner. Its supervisor, which sees the
 * exit, gives it back at once: nobody has to wait for the leases to run out.
 */
export interface Claims {
  /** The URL of the store. */
  readonly store: string
  readonly owner: string
  readonly policy: { readonly maxCrashes: number; readonly keepDeadMs: number | null }
}

let release: ((claims: Claims) => Promise<void>) | undefined
let announce: ((claims: Claims, isHeld: boolean) => void) | undefined

/** Says how claims are given back; the room of the queues knows. */
export function releaseClaimsBy(how: (claims: Claims) => Promise<void>): void {
  release = how
}

/** To be called in a child: where its claims are told of. */
export function announceClaimsBy(how: (claims: Claims, isHeld: boolean) => void): void {
  announce = how
}

/** Tells the supervisor of this thread or process, if it has one, under which owner it claims, or no more. */
export function announceClaims(claims: Claims, isHeld: boolean): void {
  announce?.(claims, isHeld)
}

/** Gives back what a dead child held. Leases that cannot be released now run out by themselves. */
export async function releaseAll(all: Iterable<Claims>, logger: Logger): Promise<void> {
  for (const claims of all) {
    try {
      await release?.(claims)
    } catch (thrown) {
      logger.warn({ err: toError(thrown) }, 'the claims of a dead worker wait for their leases to run out')
    }
  }
}
