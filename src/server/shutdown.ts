import { formatMs } from '../core/duration.ts'
import { MillhandError, ShutdownError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import { systemClock } from '../core/clock.ts'
import type { KillCause } from '../core/telemetry.ts'
import { living, type Member } from './member.ts'

/** How long workers may take to save what they can when they are given up. */
export const KILL_GRACE_MS = 1500

export interface ShutdownOptions {
  /** The budget of all workers together, ms. */
  readonly timeoutMs: number
  /** Aborts when there is no time left at all; its reason is the KillCause. */
  readonly hurry?: AbortSignal
  readonly logger: Logger
}

/**
 * Stops workers, the last started first. Each is asked once the one after it has ended, or has used up its share
 * of the budget: then it goes on ending beside the others, so that a slow worker takes nothing from them. Who has
 * not ended at its deadline is killed.
 * @returns the names of those that had to be killed; empty when all ended by themselves.
 */
export async function shutDown(members: readonly Member[], options: ShutdownOptions): Promise<string[]> {
  const deadline = systemClock.monotonic() + options.timeoutMs
  const alive = living(members).toReversed()
  const shareMs = options.timeoutMs / Math.max(1, alive.length)
  const ends: Promise<string[]>[] = []
  for (const member of alive) {
    const end = stopOne(member, deadline, options)
    ends.push(end)
    await settledWithin(end, shareMs)
  }
  return (await Promise.all(ends)).flat()
}

/** Kills every living worker at once, in the caller's async context; waits about a second at most. */
export async function killAll(members: readonly Member[], cause: KillCause): Promise<void> {
  const killing = living(members).map((member) => member.kill(cause))
  await settledWithin(Promise.all(killing), KILL_GRACE_MS)
}

async function stopOne(member: Member, deadline: number, options: ShutdownOptions): Promise<string[]> {
  const timeoutMs = member.stopTimeoutMs ?? Math.max(0, deadline - systemClock.monotonic())
  const { hurry } = options
  const stopped = hurry === undefined ? member.stop() : Promise.race([member.stop(), aborted(hurry)])
  const ended = await settledWithin(stopped, timeoutMs)
  if (ended && !member.isAlive) return []
  const cause: KillCause =
    hurry?.aborted === true
      ? (hurry.reason as KillCause)
      : tooLate(member.name, member.stopTimeoutMs ?? options.timeoutMs)
  options.logger.error({ worker: member.name, err: cause.error }, `worker ${member.name} is killed`)
  await killAll([member], cause)
  return [member.name]
}

function tooLate(name: string, timeoutMs: number): KillCause {
  const error: MillhandError = new ShutdownError(
    `worker ${name} did not stop within ${formatMs(timeoutMs)}: its main() or teardown() is still at work. ` +
      'Look at this.isRunning in every loop, hand this.signal (or the signal of the job) to whatever waits, ' +
      'sleep with this.sleep(); or give it more time with server.add(worker, { stopTimeout })',
  )
  return { kind: 'deadline', error }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
