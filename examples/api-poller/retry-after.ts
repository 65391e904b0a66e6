/** A server that asks for more has a wrong clock, or should not decide how long we are silent. */
const MAX_MS = 3_600_000

/**
 * Ms that a Retry-After header asks to wait, an hour at the most: it holds seconds or a date (RFC 9110, 10.2.3).
 * 0 without one that can be read.
 */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_MS)
}
