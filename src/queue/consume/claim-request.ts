import type { ClaimRequest } from '../backend.ts'
import type { Gate } from './gate.ts'

/** Who claims. */
export interface Claimer {
  readonly queueName: string
  readonly owner: string
  readonly gate: Gate
  readonly leaseMs: number
  readonly renewForMs: number | null
  types(): readonly string[]
}

/** The most payload of one claim. */
const MOST_BYTES = 8 * 1024 * 1024

/**
 * A claim as this worker makes it.
 * @param number of the claim in the life of the worker.
 * @param isSuspect it is for a job that is to run alone.
 */
export function claimRequest(
  claimer: Claimer,
  number: number,
  limit: number,
  isSuspect: boolean,
): ClaimRequest {
  const { queueName: queue, owner, gate, leaseMs, renewForMs } = claimer
  return {
    queue,
    types: claimer.types(),
    owner,
    token: `${owner}:${number}`,
    limit,
    maxBytes: MOST_BYTES,
    start: isSuspect || gate.startsAtClaim ? limit : 0,
    leaseMs,
    renewForMs,
    suspects: isSuspect ? 'only' : 'none',
  }
}
