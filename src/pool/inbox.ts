import type { Emitter } from '../core/events.ts'
import { errorFromWire, type WireError } from '../core/wire-error.ts'
import type { CrewMember } from './crew-member.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { PoolEvents } from './pool-events.ts'
import { DONE, LEFT, OUTCOMES, RESULT_WORDS, YIELDED, type FromWorker, type ResultWords } from './protocol.ts'
import type { SecondTries } from './second-tries.ts'
import type { Staffing } from './staffing.ts'
import type { Tally } from './tally.ts'

/** What workers say while they work, and what comes of it. */
export class Inbox {
  readonly #tally: Tally
  readonly #dispatcher: Dispatcher
  readonly #staffing: Staffing
  readonly #secondTries: SecondTries
  readonly #events: Emitter<PoolEvents>

  constructor(
    tally: Tally,
    dispatcher: Dispatcher,
    staffing: Staffing,
    secondTries: SecondTries,
    events: Emitter<PoolEvents>,
  ) {
    this.#tally = tally
    this.#dispatcher = dispatcher
    this.#staffing = staffing
    this.#secondTries = secondTries
    this.#events = events
  }

  /** @returns true when more can be dealt now. */
  hear(member: CrewMember, message: FromWorker): boolean {
    member.heardAt = performance.now()
    this.readResults(member)
    if (message === LEFT) return true
    if (Array.isArray(message)) {
      this.#onResults(member, message)
      return true
    }
    switch (message.kind) {
      case 'returned':
        member.isAsked = false
        this.#dispatcher.giveBack(member.takeFrom(message.from, message.end))
        return true
      case 'usage':
        member.memoryBytes = message.memoryBytes
        member.utilization = message.utilization
        this.#staffing.replaceIfWorn(member)
        return false
      case 'progress':
        this.#onProgress(member, message.number, message.progress)
        return false
      case 'heard':
        this.#onHeard(member, message.number)
        return false
      case 'ready':
      case 'failed':
      case 'closed':
        // Its start and its end are the business of the crew.
        return false
    }
  }

  /** Of what the worker has left in memory. */
  readResults(member: CrewMember): void {
    const { finished } = member
    member.line.readResults((head, value, micros) => this.#onEnd(member, head, value, micros))
    if (member.finished > finished) this.#hasMovedOn(member)
  }

  #onResults(member: CrewMember, results: ResultWords): void {
    let hasEnded = false
    for (let i = 0; i < results.length; i += RESULT_WORDS) {
      const head = results[i] as number
      if (head % OUTCOMES === YIELDED) {
        member.sent.get((head - YIELDED) / OUTCOMES)?.onYield?.(results[i + 1])
      } else {
        hasEnded = true
        this.#onEnd(member, head, results[i + 1], results[i + 2] as number)
      }
    }
    if (hasEnded) this.#hasMovedOn(member)
  }

  #hasMovedOn(member: CrewMember): void {
    member.lastWordAt = performance.now()
    member.isStuck = false
    this.#staffing.replaceIfWorn(member)
  }

  #onEnd(member: CrewMember, head: number, value: unknown, micros: number): void {
    const outcome = head % OUTCOMES
    const number = (head - outcome) / OUTCOMES
    if (member.told.size > 0) member.told.delete(number)
    const task = member.take(number)
    if (task === undefined) return this.#onCameBack(member, number)
    member.finished++
    task.estimate.learn(micros)
    if (outcome === DONE) this.#tally.complete(task, value)
    else this.#secondTries.failed(task, errorFromWire(value as WireError))
  }

  /** The worker is done with a task that nobody waited for; it may have another try now. */
  #onCameBack(member: CrewMember, number: number): void {
    const again = member.left.get(number)
    if (!member.left.delete(number)) return
    member.finished++
    if (again !== undefined && !again.isComplete) this.#dispatcher.waiting.putBack([again])
  }

  #onProgress(member: CrewMember, number: number, progress: unknown): void {
    const task = member.sent.get(number)
    if (task === undefined) return
    task.progress = progress
    this.#events.emit('progress', { task, progress })
  }

  #onHeard(member: CrewMember, number: number): void {
    const told = member.told.get(number)
    if (told !== undefined) told.isHeard = true
  }
}
