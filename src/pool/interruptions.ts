import { MillhandError } from '../core/errors.ts'
import { errorToWire } from '../core/wire-error.ts'
import type { CrewMember } from './crew-member.ts'
import type { Dispatcher } from './dispatcher.ts'
import { cancelledError, timeoutError } from './lost-task.ts'
import type { SecondTries } from './second-tries.ts'
import type { Staffing } from './staffing.ts'
import type { Tally } from './tally.ts'
import type { Task } from './task.ts'

/**
 * Tasks that are to end before they would: cancelled or late ones. What runs is told by its signal; when it does not
 * heed that within the grace, its worker is ended, and nothing else that this worker does is lost if that can be.
 */
export class Interruptions {
  readonly #graceMs: number
  readonly #tally: Tally
  readonly #dispatcher: Dispatcher
  readonly #staffing: Staffing
  readonly #secondTries: SecondTries
  /** Whether there ever was a task with a timeout. */
  areTimed = false

  constructor(
    graceMs: number,
    tally: Tally,
    dispatcher: Dispatcher,
    staffing: Staffing,
    secondTries: SecondTries,
  ) {
    this.#graceMs = graceMs
    this.#tally = tally
    this.#dispatcher = dispatcher
    this.#staffing = staffing
    this.#secondTries = secondTries
  }

  /** Settles the task at once, wherever it is. */
  cancel(task: Task, reason: unknown): void {
    const error = cancelledError(task.name, reason)
    this.#tally.fail(task, error, 'cancelled')
    this.#dispatcher.waiting.drop(task)
    this.#leave(task, error, undefined)
  }

  /** The same for a task that has begun, but it settles when it has ended. */
  interrupt(task: Task, reason: Error): void {
    const { member, number } = task
    if (task.isComplete) return
    if (member?.hasBegun(number) === true) this.#tell(member, number, reason)
    else this.cancel(task, reason)
  }

  /** Takes a task out that waits, or that can be had back at once. */
  withdraw(task: Task): boolean {
    if (task.member !== undefined) this.#dispatcher.takeBack(task.member)
    return this.#dispatcher.waiting.drop(task)
  }

  /** Ends what is late, and workers that hang. @returns true when it has to look again. */
  lookAfter(member: CrewMember, now: number, checksTimeouts: boolean): boolean {
    if (member.sent.size === 0 && member.told.size === 0) return false
    const begun = member.line.begun()
    if (this.areTimed && checksTimeouts) this.#checkTimeouts(member, begun, now)
    for (const [number, told] of member.told) {
      if (number >= begun || member.endedFor !== undefined) continue
      told.endsAt ??= now + this.#graceMs
      if (now >= told.endsAt) this.#overstays(member, told.error, told.isHeard, begun)
    }
    return member.told.size > 0
  }

  #checkTimeouts(member: CrewMember, begun: number, now: number): void {
    for (const [number, task] of member.sent.entries()) {
      // They begin in the order of their numbers.
      if (number >= begun) return
      const { timeoutMs } = task.settings
      if (timeoutMs === undefined) continue
      task.begunAt ??= now
      if (now - task.begunAt >= timeoutMs) this.#late(task)
    }
  }

  #late(task: Task): void {
    const error = timeoutError(task)
    // It is tried again when the worker has come back from this try: never twice at a time.
    const again = this.#secondTries.grant(task, error) ? task : undefined
    this.#leave(task, error, again)
  }

  /** Nobody waits any more for what its worker does with it. */
  #leave(task: Task, error: Error, again: Task | undefined): void {
    const { member, number } = task
    if (member === undefined) return
    this.#dispatcher.takeBack(member)
    if (member.take(number) === undefined) return
    member.left.set(number, again)
    // What has moved there could not be had back as long as somebody waited for it.
    this.#dispatcher.takeBack(member)
    if (member.left.has(number)) this.#tell(member, number, error)
  }

  #tell(member: CrewMember, number: number, error: Error): void {
    member.told.set(number, { endsAt: undefined, isHeard: false, error })
    member.line.post({ kind: 'abort', number, reason: errorToWire(error) })
  }

  /** The grace is over. Others in the same worker may finish first, if its event loop runs at all. */
  #overstays(member: CrewMember, error: Error, isHeard: boolean, begun: number): void {
    if (member.state === 'ready') this.#staffing.retire(member)
    const others = [...member.sent.numbers()].some((number) => number < begun && !member.told.has(number))
    if (others && isHeard) return
    member.end(
      new MillhandError(error instanceof MillhandError ? error.code : 'TASK_CANCELLED', endText(error), {
        cause: error,
      }),
    )
  }
}

function endText(error: Error): string {
  return `it did not end within abortGrace after this: ${error.message}`
}
