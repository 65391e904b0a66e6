import type { Entry } from './entry.ts'
import type { Shelf } from './shelf.ts'

/** The jobs taken by one call. They share owner, token and lease; each leaves it on its own. */
export class Claim {
  readonly shelf: Shelf
  readonly owner: string
  readonly token: string
  /** The lease is never renewed beyond this time of the lease clock. */
  readonly renewUntil: number
  leaseUntil: number
  #first: Entry | null = null
  #last: Entry | null = null

  constructor(shelf: Shelf, owner: string, token: string, leaseUntil: number, renewUntil: number) {
    this.shelf = shelf
    this.owner = owner
    this.token = token
    this.leaseUntil = leaseUntil
    this.renewUntil = renewUntil
  }

  get empty(): boolean {
    return this.#first === null
  }

  add(entry: Entry): void {
    entry.claim = this
    entry.previous = this.#last
    if (this.#last === null) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  remove(entry: Entry): void {
    if (entry.previous === null) this.#first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === null) this.#last = entry.previous
    else entry.next.previous = entry.previous
    entry.claim = null
    entry.previous = null
    entry.next = null
  }

  /** In the order of the claim; what is removed meanwhile does no harm. */
  entries(): Entry[] {
    const entries: Entry[] = []
    for (let entry = this.#first; entry !== null; entry = entry.next) entries.push(entry)
    return entries
  }
}

/** Who holds what, over all queues. */
export class Claims {
  readonly #byOwner = new Map<string, Map<string, Claim>>()

  find(owner: string, token: string): Claim | undefined {
    return this.#byOwner.get(owner)?.get(token)
  }

  of(owner: string): Claim[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])]
  }

  add(claim: Claim): void {
    let claims = this.#byOwner.get(claim.owner)
    if (claims === undefined) this.#byOwner.set(claim.owner, (claims = new Map()))
    claims.set(claim.token, claim)
    claim.shelf.claims.add(claim)
  }

  /** Lets an entry go; a claim that holds nothing any more is forgotten. */
  free(entry: Entry): void {
    const claim = entry.claim
    if (claim === null) return
    claim.remove(entry)
    if (!claim.empty) return
    claim.shelf.claims.delete(claim)
    const claims = this.#byOwner.get(claim.owner)
    claims?.delete(claim.token)
    if (claims?.size === 0) this.#byOwner.delete(claim.owner)
  }

  clear(): void {
    this.#byOwner.clear()
  }
}
