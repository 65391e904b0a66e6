import { orAborted } from '../core/abort.ts'
import { systemClock } from '../core/clock.ts'
import { formatMs } from '../core/duration.ts'
import { ShutdownError, StateError, toError } from '../core/errors.ts'
import { sleep } from '../core/sleep.ts'
import type { Restart } from '../worker/lifecycle.ts'
import { Lane } from './lane.ts'
import {
  decideOn,
  hasFailed,
  isMinded,
  newRecord,
  restartOf,
  settle,
  upMsOf,
  type MemberRecord,
} from './member-record.ts'
import { living, type Member } from './member.ts'
import { shutDown } from './shutdown.ts'
import { affectedBy } from './strategy.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

/**
 * Keeps members alive: sees who ends, and starts them again as their policy and the strategy say.
 *
 * Whatever is done to a member (start, recovery, replacement) is a step, and steps take turns: those of one member
 * with `one-for-one`, all steps otherwise, since each may concern the same members. So a step meets nobody but
 * `close` and `stop`, which interrupt it. An end that comes during a step is looked at after it.
 */
export class Supervisor {
  readonly members: Member[] = []
  readonly #options: SupervisorOptions
  readonly #records = new Map<Member, MemberRecord>()
  #sharedLane = new Lane()
  #closed: Error | undefined
  #change = Promise.withResolvers<void>()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  add(member: Member): void {
    this.members.push(member)
    this.#remember(member)
  }

  remove(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1)
    this.#records.delete(member)
    this.#changed()
  }

  /** Begins to mind the members anew; to be called before any of them is started. */
  open(): void {
    this.#closed = undefined
    this.#sharedLane = new Lane()
    for (const member of this.members) this.#remember(member)
  }

  /** No starts from now on; steps under way end soon. */
  close(reason: Error): void {
    this.#closed ??= reason
    for (const { interrupt } of this.#records.values()) interrupt.abort(reason)
  }

  /**
   * Starts a member and minds it from then on. When it cannot start it is tried again, as its policy says.
   * @throws what it failed with, when it is given up; the reason of `close` when that comes first.
   */
  start(member: Member): Promise<void> {
    return this.#inTurn(this.#recordOf(member), (record) => this.#start(record))
  }

  /** Ends one member for good; kills it at its deadline. */
  async stop(member: Member): Promise<void> {
    const record = this.#recordOf(member)
    record.interrupt.abort(new ShutdownError(`worker ${member.name} is not wanted any more`))
    await this.#stopAll([record])
  }

  /**
   * Replaces the workers of a member that is alive: the new one beside the old one where there may be two, else
   * after it. One that has failed is started anew anyway, which is waited for.
   * @throws what the new one could not start for; the reason of `close` when that comes first.
   */
  renew(member: Member): Promise<void> {
    return this.#inTurn(this.#recordOf(member), async (record) => {
      record.interrupt.signal.throwIfAborted()
      if (record.isSettled || !member.isAlive) return
      const restart = restartOf(record, undefined)
      if (await this.#surge(record, restart)) return
      await this.#stopAll([record])
      await this.#begin(record, restart)
    })
  }

  /** Starts a member anew that is well, but uses too much. May be called again meanwhile. */
  recycle(member: Member, cause: Error): void {
    const record = this.#records.get(member)
    if (record === undefined || record.steps > 0 || !isMinded(record)) return
    void this.#inTurn(record, () => this.#recycle(record, cause))
  }

  /** Resolves when nobody is alive and nobody will be started again. */
  async ended(): Promise<void> {
    while (!this.#hasEnded()) await this.#change.promise
  }

  /** Those that failed for good. */
  failed(): Member[] {
    return [...this.#records.values()].filter(hasFailed).map(({ member }) => member)
  }

  #hasEnded(): boolean {
    const isOpen = [...this.#records.values()].some(({ steps, isWatched }) => steps > 0 || isWatched)
    return !isOpen && living(this.members).length === 0
  }

  async #start(record: MemberRecord): Promise<void> {
    const { signal } = record.interrupt
    for (let restart: Restart | undefined; ;) {
      if (record.isSettled) throw record.settledFor ?? new StateError(`${record.member.name} has ended`)
      try {
        await this.#begin(record, restart)
        return
      } catch (thrown) {
        signal.throwIfAborted()
        const error = toError(thrown)
        const decision = decideOn(record, error, this.#options)
        if (decision.action !== 'restart') {
          settle(record, error)
          throw error
        }
        this.#say(record, error, decision.delayMs)
        if (!(await sleep(decision.delayMs, signal))) signal.throwIfAborted()
        restart = restartOf(record, error)
      }
    }
  }

  async #surge(record: MemberRecord, restart: Restart): Promise<boolean> {
    try {
      if (!(await record.member.surge(restart))) return false
    } catch (error) {
      record.interrupt.signal.throwIfAborted()
      throw error
    }
    record.restarts = restart.restarts
    record.upSince = systemClock.monotonic()
    return true
  }

  async #recycle(record: MemberRecord, cause: Error): Promise<void> {
    const { member } = record
    if (!isMinded(record) || !member.isAlive) return
    const { logger, healthyMs } = this.#options
    logger.warn({ worker: member.name, err: cause }, `${cause.message}: it is recycled`)
    const upMs = upMsOf(record)
    await this.#stopAll([record])
    record.upMs = upMs
    // One that is too big again at once would be started in a hot loop: that is a failure like any other.
    if (upMs < healthyMs || member.restart === 'temporary') return this.#recover(record, cause)
    // When the new one cannot start, its end is dealt with in the next step.
    await this.#begin(record, restartOf(record, cause)).catch(() => {})
  }

  #watch(record: MemberRecord): void {
    if (record.isWatched) return
    record.isWatched = true
    void record.member.ended().then(() => this.#onEnd(record))
  }

  #onEnd(record: MemberRecord): void {
    record.isWatched = false
    // It was started again before its end was heard of.
    if (record.member.isAlive) return this.#watch(record)
    record.upMs = upMsOf(record)
    record.upSince = undefined
    record.isToReturn = isMinded(record)
    if (record.isToReturn) void this.#inTurn(record, () => this.#recover(record, record.member.error))
    this.#changed()
  }

  /** Deals with the end of a member, and with whatever fails while that is done. */
  async #recover(first: MemberRecord, cause: Error | undefined): Promise<void> {
    let failed: MemberRecord | undefined = first
    let error = cause
    // Another step, whose turn was before, may have started it again.
    while (failed !== undefined && isMinded(failed) && !failed.member.isAlive) {
      const decision = decideOn(failed, error, this.#options)
      if (decision.action === 'leave') return settle(failed, error)
      if (decision.action === 'give-up') return this.#giveUp(failed, error, decision.reason)
      this.#say(failed, error, decision.delayMs)
      if (!(await sleep(decision.delayMs, failed.interrupt.signal))) return
      failed = await this.#startAgain(failed, error)
      error = failed?.member.error
    }
  }

  /** @returns the member that could not start. */
  async #startAgain(failed: MemberRecord, error: Error | undefined): Promise<MemberRecord | undefined> {
    const affected = this.#affectedBy(failed).filter(({ hasBegun }) => hasBegun)
    await this.#stopAll(affected)
    const others = new StateError(`worker ${failed.member.name} failed, with which it lives`)
    for (const record of affected) {
      if (record !== failed && !record.member.sharesFate) {
        settle(record, others)
        continue
      }
      try {
        await this.#begin(record, restartOf(record, record === failed ? error : others))
      } catch (thrown) {
        // What does not end cannot be started, and without it neither can those that come after it.
        if (isMinded(record) && record.member.isAlive) {
          await this.#giveUp(record, toError(thrown), 'does not end')
          return undefined
        }
        return record
      }
    }
    return undefined
  }

  /** Nobody starts it again, nor those that cannot live without it. */
  async #giveUp(failed: MemberRecord, cause: Error | undefined, reason: string): Promise<void> {
    const { member } = failed
    const error = cause ?? new StateError(`worker ${member.name} ${reason}, although it is permanent`)
    const rest = this.#affectedBy(failed)
    for (const record of rest) settle(record, error)
    await this.#stopAll(rest)
    this.#options.onGiveUp(member, error, reason)
  }

  #affectedBy(failed: MemberRecord): MemberRecord[] {
    const records = [...this.#records.values()]
    return affectedBy(this.#options.strategy, records, failed).filter(isMinded)
  }

  /** One start. @throws what it fails with; the reason of the interrupt. */
  async #begin(record: MemberRecord, restart: Restart | undefined): Promise<void> {
    const { member, interrupt } = record
    interrupt.signal.throwIfAborted()
    record.hasBegun = true
    record.isToReturn = false
    record.upSince = undefined
    record.upMs = 0
    record.restarts = restart?.restarts ?? record.restarts
    const started = member.start(restart)
    this.#watch(record)
    await orAborted(started, interrupt.signal)
    record.upSince = systemClock.monotonic()
  }

  #say({ member: { name } }: MemberRecord, error: Error | undefined, delayMs: number): void {
    const what = error === undefined ? 'has ended' : 'failed'
    this.#options.logger.warn(
      { worker: name, err: error },
      `worker ${name} ${what}: it is started again in ${formatMs(delayMs)}`,
    )
  }

  async #stopAll(records: readonly MemberRecord[]): Promise<void> {
    const { stopTimeoutMs: timeoutMs, logger } = this.#options
    const members = records.map(({ member }) => member)
    await shutDown(members, { timeoutMs, logger })
  }

  async #inTurn<T>(record: MemberRecord, step: (record: MemberRecord) => Promise<T>): Promise<T> {
    record.steps++
    try {
      return await record.lane.run(() => step(record))
    } finally {
      record.steps--
      this.#changed()
    }
  }

  #remember(member: Member): void {
    const lane = this.#options.strategy === 'one-for-one' ? new Lane() : this.#sharedLane
    const record = newRecord(member, lane)
    if (this.#closed !== undefined) record.interrupt.abort(this.#closed)
    this.#records.set(member, record)
  }

  #recordOf(member: Member): MemberRecord {
    const record = this.#records.get(member)
    if (record === undefined) throw new StateError(`worker ${member.name} is not minded by this supervisor`)
    return record
  }

  #changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}
