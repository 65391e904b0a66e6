import type { WorkerExitError } from '../core/errors.ts'
import type { CrewMember } from './crew-member.ts'
import type { Dispatcher } from './dispatcher.ts'
import { TaskLostError } from './lost-task.ts'
import type { SecondTries } from './second-tries.ts'
import type { Tally } from './tally.ts'
import type { Task } from './task.ts'

/** A task that so many workers died with before they began anything has failed: it is what they died of. */
const MAX_RETURNS = 3

/** What becomes of the tasks of a worker that has died. */
export class Aftermath {
  readonly #concurrency: number
  readonly #tally: Tally
  readonly #dispatcher: Dispatcher
  readonly #secondTries: SecondTries

  constructor(concurrency: number, tally: Tally, dispatcher: Dispatcher, secondTries: SecondTries) {
    this.#concurrency = concurrency
    this.#tally = tally
    this.#dispatcher = dispatcher
    this.#secondTries = secondTries
  }

  /** @returns how many tasks that had begun were lost. */
  settle(member: CrewMember, exit: WorkerExitError): number {
    const begun = member.line.begun()
    const unbegun = member.takeFrom(begun)
    const lost = [...member.sent.values()]
    const wasBusy = lost.length > 0 || member.left.size > 0
    const last = Math.max(-1, ...member.left.keys(), ...member.sent.numbers())
    this.#sendElsewhere(unbegun, exit, !wasBusy && member.endedFor === undefined)
    for (const task of lost) this.#lose(task, member, last, exit)
    const again = [...member.left.values()].filter((task) => task !== undefined)
    this.#dispatcher.waiting.putBack(again.filter(({ isComplete }) => !isComplete))
    member.left.clear()
    member.told.clear()
    return lost.length
  }

  /** @param isBlamed whether one of them may be the reason, since nothing had begun. */
  #sendElsewhere(tasks: readonly Task[], exit: WorkerExitError, isBlamed: boolean): void {
    if (isBlamed) for (const task of tasks) task.returns++
    const isGone = ({ settings }: Task): boolean => settings.transfer !== undefined
    const isGivenUp = (task: Task): boolean => isGone(task) || task.returns >= MAX_RETURNS
    // First those that go on: who hears of one of the others may look for them.
    this.#dispatcher.waiting.putBack(tasks.filter((task) => !task.isComplete && !isGivenUp(task)))
    for (const task of tasks.filter(isGivenUp)) {
      const what = isGone(task)
        ? 'was not begun, and what it was to have moved away with the worker'
        : `could not be begun by ${task.returns} workers`
      this.#tally.fail(task, new TaskLostError(task, what, exit))
    }
  }

  /** @param last the number of the last task that had begun. */
  #lose(task: Task, member: CrewMember, last: number, exit: WorkerExitError): void {
    const { number } = task
    member.take(number)
    if (this.#concurrency === 1 && number < last) {
      // One begins when the one before it has ended.
      this.#secondTries.failed(task, new TaskLostError(task, 'had ended, but its result was lost', exit))
    } else if (member.endedFor !== undefined && !member.told.has(number)) {
      this.#secondTries.failed(task, new TaskLostError(task, 'was lost with its worker', exit))
    } else {
      this.#secondTries.crashed(task, new TaskLostError(task, 'did not end', exit))
    }
  }
}
