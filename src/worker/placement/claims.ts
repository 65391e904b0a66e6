import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin } from '../../core/sleep.ts'

/** How long a store that does not answer delays the end of a worker. */
const RELEASE_MS = 500

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

/** What the queue workers inside one child hold, by owner. */
export class HeldClaims {
  readonly #claims = new Map<string, Claims>()

  get isEmpty(): boolean {
    return this.#claims.size === 0
  }

  note(claims: Claims, isHeld: boolean): void {
    if (isHeld) this.#claims.set(claims.owner, claims)
    else this.#claims.delete(claims.owner)
  }

  /** Gives back what a dead child held, or half a second later leaves it to the leases, which run out. */
  async release(logger: Logger): Promise<void> {
    await settledWithin(this.#releaseAll(logger), RELEASE_MS)
  }

  async #releaseAll(logger: Logger): Promise<void> {
    for (const claims of this.#claims.values()) {
      try {
        await release?.(claims)
      } catch (thrown) {
        logger.warn({ err: toError(thrown) }, 'the claims of a dead worker wait for their leases to run out')
      }
    }
  }
}
