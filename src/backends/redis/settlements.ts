import type { ClaimRequest, Settlement } from '../../queue/backend.ts'
import type { JobError } from '../../queue/job.ts'
import type { Argument } from './driver.ts'
import { entryOf, type Keys } from './keys.ts'
import { pack } from './pack.ts'
import { stored } from './text.ts'

/**
 * Settlements as lua/settle.ts reads them: how many parts, then each part. Jobs of one claim that are done and go
 * are one part together: the token, how many, their entries. Any other is a part of its own: the token, 0, its
 * entry, seven arguments of its outcome, and its follow-ups.
 */
export function settlementArgs(
  settlements: readonly Settlement[],
  keys: Keys,
  maxPayloadBytes: number,
): Argument[] {
  const args: Argument[] = ['']
  let parts = 0
  for (let at = 0; at < settlements.length;) {
    parts++
    const { ref } = settlements[at]!
    const end = plainEnd(settlements, at)
    if (end > at) {
      args.push(ref.token, String(end - at))
      for (; at < end; at++) args.push(entryOf(settlements[at]!.ref))
    } else {
      pushOne(args, settlements[at]!, keys, maxPayloadBytes)
      at++
    }
  }
  args[0] = String(parts)
  return args
}

/** Where the run of settlements that begins at `at` ends, that only remove jobs of one claim. */
function plainEnd(settlements: readonly Settlement[], at: number): number {
  const { token } = settlements[at]!.ref
  let end = at
  for (; end < settlements.length; end++) {
    const { ref, outcome, followUps } = settlements[end]!
    if (outcome.kind !== 'done' || outcome.keepMs !== 0 || (followUps?.length ?? 0) > 0) break
    if (ref.token !== token) break
  }
  return end
}

function pushOne(args: Argument[], settlement: Settlement, keys: Keys, maxPayloadBytes: number): void {
  const { ref, outcome, followUps = [] } = settlement
  let keep: number | null = null
  let mode = ''
  let when = ''
  let error = ''
  let extra: Argument = ''
  let tail = ''
  if ('keepMs' in outcome) keep = outcome.keepMs
  if ('again' in outcome) {
    const { again } = outcome
    mode = 'delayMs' in again ? 'delay' : 'at'
    when = String('delayMs' in again ? again.delayMs : again.runAt)
  }
  if ('error' in outcome) error = JSON.stringify(outcome.error)
  if (outcome.kind === 'done' && outcome.result !== null) {
    const { kind, bytes } = stored(outcome.result)
    extra = Buffer.concat([Buffer.from(String(kind)), bytes])
  } else if (outcome.kind === 'crash') {
    ;[extra, tail] = crashParts(outcome.error)
    when = String(outcome.policy.maxCrashes)
    keep = outcome.policy.keepDeadMs
  }
  args.push(ref.token, '0', entryOf(ref), outcome.kind, keepArg(keep), mode, when, error, extra, tail)
  const followed = followUps.filter(({ jobs }) => jobs.length > 0)
  args.push(String(followed.length))
  for (const { queue, jobs } of followed) args.push(keys.base(queue), pack(jobs, maxPayloadBytes))
}

/** The error of a last crash as JSON, cut where its message ends: the script says there which crash it was. */
function crashParts(error: JobError): [head: string, tail: string] {
  const { message, ...rest } = error
  const head = JSON.stringify({ message }).slice(0, -2)
  return [head, `",${JSON.stringify({ ...rest, code: 'JOB_CRASHED' }).slice(1)}`]
}

/** How long to keep something: nothing for ever. */
export function keepArg(ms: number | null): string {
  return ms === null ? '' : String(ms)
}

/** A claim as lua/claim.ts reads it. */
export function claimArgs(request: ClaimRequest): Argument[] {
  const { token, limit, maxBytes, start, leaseMs, renewForMs, suspects, types } = request
  return [
    token,
    String(limit),
    String(maxBytes),
    String(start),
    String(leaseMs),
    keepArg(renewForMs),
    suspects,
    String(types.length),
    ...types,
  ]
}
