import type { HeldClaim } from '../../queue/backend.ts'
import { tokensOf } from './reap.ts'
import type { Session } from './session.ts'

export function hasClaims({ db }: Session, owner: string): boolean {
  const find = db.statement('SELECT 1 FROM job WHERE token > ? AND token < ? LIMIT 1')
  return find.get(...tokensOf(owner)) !== undefined
}

/** Gives all claims of an owner a new lease. In a transaction. */
export function renew(session: Session, owner: string, leaseMs: number): HeldClaim[] {
  const until = session.lease + leaseMs
  const rows = session.db.statement(RENEW).all(until, until, ...tokensOf(owner))
  return rows.map((row) => ({ id: row[0] as string, token: row[1] as string }))
}

const RENEW = `
  UPDATE job SET lease_until = min(?, coalesce(renew_until, ?)) WHERE token > ? AND token < ?
  RETURNING id, token`
