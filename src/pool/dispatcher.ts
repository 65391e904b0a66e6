import { MillhandError } from '../core/errors.ts'
import type { CrewMember } from './crew-member.ts'
import { Kinship } from './kinship.ts'
import type { Task } from './task.ts'
import { WaitingTasks } from './waiting-tasks.ts'

/** A worker that was silent for so long is at a long task, ms. */
const LONG_MS = 2
/** So many times what it usually takes is long, too. */
const LATE = 2
/** Tasks of one message at most. */
const MAX_BATCH = 256

/** Deals waiting tasks to workers, several to a message, and takes back what got stuck behind a long one. */
export class Dispatcher {
  readonly waiting: WaitingTasks = new WaitingTasks()
  /** How many tasks were taken back from one worker for others. */
  recalled = 0
  readonly #members: ReadonlySet<CrewMember>
  readonly #kinship = new Kinship()
  readonly #onRefused: (task: Task, error: Error) => void
  /** Whether a worker may be kept free for a suspect. */
  #isReserving = false

  /** @param onRefused hears of a task whose arguments cannot be copied. */
  constructor(members: ReadonlySet<CrewMember>, onRefused: (task: Task, error: Error) => void) {
    this.#members = members
    this.#onRefused = onRefused
  }

  /**
   * Sends what can be sent now.
   * @param areAnySent whether workers have any.
   */
  deal(areAnySent: boolean): void {
    if (this.waiting.size < 2 && !(areAnySent && this.#isHeldUp()) && this.#dealtLone()) return
    const isAnyAhead = this.#freeStuck()
    if (this.#isReserving || this.waiting.suspects.size > 0) this.#dealSuspects()
    if (isAnyAhead && this.waiting.shareable === 0) this.#spread()
    for (let next = this.waiting.peek(); next !== undefined; next = this.waiting.peek()) {
      const takers = this.#takers(next)
      const member = roomiest(takers)
      if (member === undefined) return
      // Its share, so that the last tasks are spread over all.
      this.#sendTo(member, Math.min(MAX_BATCH, Math.ceil(this.waiting.shareable / takers.length)))
    }
  }

  /** Where calls are far apart: at most one waits, for a worker that has nothing to do. @returns false otherwise. */
  #dealtLone(): boolean {
    const { waiting } = this
    if (waiting.suspects.size > 0 || this.#isReserving) return false
    if (waiting.size === 0) return true
    for (const member of this.#members) {
      if (!member.isFree) continue
      this.#post(member, [waiting.shift()!])
      return true
    }
    return false
  }

  /** @returns true when something that was sent may have to wait. */
  #isHeldUp(): boolean {
    for (const member of this.#members) if (member.mayHoldUp) return true
    return false
  }

  /** What its worker has not begun waits again, in its place. */
  takeBack(member: CrewMember): void {
    this.giveBack(member.recall())
  }

  giveBack(tasks: readonly Task[]): void {
    this.recalled += tasks.length
    this.waiting.putBack(tasks.filter(({ isComplete }) => !isComplete))
  }

  /** One that may end its worker goes alone: a worker is kept free for it, while the others go on. */
  #dealSuspects(): void {
    const { suspects } = this.waiting
    while (suspects.size > 0) {
      const open = [...this.#members].filter(({ isOpen }) => isOpen)
      const member = open.find(({ isReserved }) => isReserved) ?? roomiest(open)
      if (member === undefined) return
      this.#isReserving = true
      member.isReserved = !member.isIdle
      if (member.isReserved) {
        if (member.hasAhead) this.takeBack(member)
        return
      }
      this.#post(member, [suspects.shift()!])
    }
    for (const member of this.#members) member.isReserved = false
    this.#isReserving = false
  }

  #takers(next: Task): CrewMember[] {
    const takers: CrewMember[] = []
    for (const member of this.#members) if (member.canTake(next)) takers.push(member)
    return takers
  }

  /** @param member can take at least the first one. */
  #sendTo(member: CrewMember, limit: number): void {
    const allowance = member.allowance()
    let { free, ahead, micros } = allowance
    let { isClear } = member
    const tasks: Task[] = []
    this.#kinship.clear()
    for (let next = this.waiting.peek(); next !== undefined; next = this.waiting.peek()) {
      if (tasks.length >= limit) break
      const fits =
        free-- > 0 ||
        (ahead > 0 && micros > 0 && member.getsAhead(next, isClear)) ||
        // By itself: another worker may have nothing to do.
        (tasks.length === 0 && !allowance.hasNext && member.getsNext(next))
      if (!fits || !this.#kinship.add(next.args)) break
      ahead--
      micros -= next.estimate.micros
      isClear &&= next.estimate.isSteady
      tasks.push(this.waiting.shift()!)
    }
    this.#post(member, tasks)
  }

  #post(member: CrewMember, tasks: readonly Task[]): void {
    try {
      member.send(tasks, this.waiting.shareable > member.sent.size + tasks.length)
    } catch (thrown) {
      if (tasks.length === 1) return this.#onRefused(tasks[0]!, notCopyable(tasks[0]!, thrown))
      // One of them cannot be copied: the others are not to suffer.
      for (const task of tasks) this.#post(member, [task])
    }
  }

  /** What may have to wait for long behind another does not while somebody is idle. */
  #spread(): void {
    let [idle, busy]: (CrewMember | undefined)[] = []
    for (const member of this.#members) {
      if (member.isIdle && member.state === 'ready') idle = member
      else if (member.hasAhead && !member.isClear) busy = member
    }
    if (idle !== undefined && busy !== undefined) this.takeBack(busy)
  }

  /**
   * Workers that are at a long task do not keep others behind it. One that shares its event loop among several tasks
   * is asked for a word before it gets more, when it has been silent: it may be blocked.
   * @returns true when one has more than it can run.
   */
  #freeStuck(): boolean {
    const now = performance.now()
    let isAnyAhead = false
    for (const member of this.#members) {
      if (member.isFull && now - member.lastWordAt > Math.max(LONG_MS, LATE * member.usualMs)) {
        member.isStuck = true
        if (member.hasAhead) this.takeBack(member)
      }
      if (member.isSilent(now, LONG_MS)) {
        if (member.isLate(now, LONG_MS)) this.takeBack(member)
        if (this.waiting.size > 0) member.ask()
      }
      if (member.hasAhead) isAnyAhead = true
    }
    return isAnyAhead
  }
}

/** The one that has the least in hand: one that has nothing to do, if there is one. */
function roomiest(members: readonly CrewMember[]): CrewMember | undefined {
  let best = members[0]
  for (const member of members) if (member.sent.size < best!.sent.size) best = member
  return best
}

function notCopyable({ name }: Task, thrown: unknown): Error {
  return new MillhandError(
    'NOT_COPYABLE',
    `the arguments of ${name} cannot be copied to a worker (${(thrown as Error).message}); pass plain data, or list what is to move in transfer`,
    { cause: thrown },
  )
}
