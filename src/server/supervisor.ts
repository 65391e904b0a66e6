import { orAborted } from '../core/abort.ts'
import { systemClock } from '../core/clock.ts'
import { formatMs } from '../core/duration.ts'
import { StateError, toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { sleep } from '../core/sleep.ts'
import type { Restart } from '../worker/lifecycle.ts'
import { newRecord, type MemberRecord } from './member-record.ts'
import { living, type Member } from './member.ts'
import { decide, type RestartRules } from './restart-policy.ts'
import { shutDown } from './shutdown.ts'
import { affectedBy, type Strategy } from './strategy.ts'

export interface SupervisorOptions extends RestartRules {
  readonly strategy: Strategy
  /** What stopping members before they are started again may take, ms. */
  readonly stopTimeoutMs: number
  readonly logger: Logger
  /** A member is given up: it failed too often. */
  readonly onGiveUp: (member: Member, error: Error) => void
}

/**
 * Keeps members alive: sees who ends, and starts them again as their policy and the strategy say.
 *
 * Each failure is dealt with by one recovery. With `one-for-one` recoveries go on side by side; otherwise they
 * take turns, since each may concern the same members. A recovery ends when everybody is up again, when a member
 * has failed too often, or when the supervisor is stopped.
 */
export class Supervisor {
  readonly members: Member[] = []
  readonly #options: SupervisorOptions
  readonly #records = new Map<Member, MemberRecord>()
  #interrupt = new AbortController()
  #lane: Promise<void> = Promise.resolve()
  #change = Promise.withResolvers<void>()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  add(member: Member): void {
    this.members.push(member)
    this.#records.set(member, newRecord())
  }

  remove(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1)
    this.#records.delete(member)
    this.#changed()
  }

  /** Begins to mind the members anew; to be called before any of them is started. */
  open(): void {
    this.#interrupt = new AbortController()
    for (const member of this.members) this.#records.set(member, newRecord())
  }

  /** No restarts from now on. */
  close(reason: Error): void {
    this.#interrupt.abort(reason)
  }

  /**
   * Starts a member and minds it from then on. When it cannot start it is tried again, as its policy says.
   * @throws what it failed with, when it is given up; the reason of `close` when that comes first.
   */
  async start(member: Member): Promise<void> {
    const { signal } = this.#interrupt
    await this.#busy([member], async () => {
      signal.throwIfAborted()
      for (let restart: Restart | undefined; ;) {
        try {
          await orAborted(member.start(restart), signal)
          return
        } catch (thrown) {
          signal.throwIfAborted()
          const error = toError(thrown)
          const delayMs = this.#delayOf(member, error)
          if (delayMs === undefined) {
            this.#recordOf(member).isSettled = true
            throw error
          }
          this.#say(member, error, delayMs)
          if (!(await sleep(delayMs, signal))) signal.throwIfAborted()
          restart = this.#restartOf(member, error)
        }
      }
    })
  }

  /** Ends one member for good; kills it at its deadline. */
  async stop(member: Member): Promise<void> {
    const { stopTimeoutMs: timeoutMs, logger } = this.#options
    this.#recordOf(member).isSettled = true
    await shutDown([member], { timeoutMs, logger })
  }

  /**
   * Replaces the workers of a member: the new one beside the old one where there may be two, else after it.
   * @throws what the new one could not start for; the reason of `close` when that came first.
   */
  async renew(member: Member, cause: Error | undefined, mode: 'surge' | 'replace'): Promise<void> {
    const record = this.#recordOf(member)
    if (record.isBusy || record.isSettled || !member.isAlive) return
    const { signal } = this.#interrupt
    // Who is being stopped gets no successor, whom nobody would stop.
    signal.throwIfAborted()
    await this.#busy([member], async () => {
      const restart = this.#restartOf(member, cause)
      if (mode === 'surge' && (await member.surge(restart))) return
      await this.#stopAll([member])
      if (!signal.aborted) await member.start(restart)
    })
  }

  /** Starts a member anew that is well, but uses too much. */
  recycle(member: Member, cause: Error): void {
    const record = this.#recordOf(member)
    if (record.isBusy || record.isSettled || this.#interrupt.signal.aborted) return
    this.#options.logger.warn({ worker: member.name, err: cause }, `${cause.message}: it is recycled`)
    // When the new one cannot start, its end is dealt with like any other.
    this.renew(member, cause, 'replace').catch(() => {})
  }

  /** Resolves when nobody is alive and nobody will be started again. */
  async ended(): Promise<void> {
    while (!this.#hasEnded()) await this.#change.promise
  }

  /** Those that ended with a failure and are not started again. */
  failed(): Member[] {
    return this.members.filter((member) => !member.isAlive && member.error !== undefined)
  }

  #hasEnded(): boolean {
    const isWaiting = [...this.#records.values()].some(({ isBusy }) => isBusy)
    return !isWaiting && living(this.members).length === 0
  }

  #watch(member: Member, record: MemberRecord): void {
    if (record.isWatched) return
    record.isWatched = true
    void member.ended().then(() => {
      record.isWatched = false
      this.#onEnd(member)
    })
  }

  #onEnd(member: Member): void {
    const record = this.#records.get(member)
    if (record === undefined || record.isBusy || record.isSettled || member.isAlive) return this.#changed()
    if (this.#interrupt.signal.aborted) return this.#changed()
    // Busy from this moment on: whoever looks now must not take it for ended.
    record.isBusy = true
    const recovery = (): Promise<void> => this.#recover(member)
    if (this.#options.strategy === 'one-for-one') void recovery()
    else this.#lane = this.#lane.then(recovery)
  }

  /** Deals with the end of a member, and with whatever fails while that is done. */
  async #recover(first: Member): Promise<void> {
    const { signal } = this.#interrupt
    const held = new Set([first])
    let failed: Member | undefined = first
    // Another recovery, whose turn was before, may have started it again.
    while (failed !== undefined && !failed.isAlive && !signal.aborted) {
      const { error }: Member = failed
      const delayMs = this.#delayOf(failed, error)
      if (delayMs === undefined) {
        await this.#leave(failed, error)
        break
      }
      this.#say(failed, error, delayMs)
      if (!(await sleep(delayMs, signal)) || this.#records.get(failed)?.isSettled !== false) break
      const affected = this.#affectedBy(failed)
      for (const member of affected) this.#hold(member, held)
      failed = await this.#startAgain(affected, failed, error)
    }
    this.#free(held)
  }

  #affectedBy(failed: Member): readonly Member[] {
    const all = affectedBy(this.#options.strategy, this.members, failed)
    return all.filter((member) => member === failed || !this.#recordOf(member).isSettled)
  }

  #hold(member: Member, held: Set<Member>): void {
    this.#recordOf(member).isBusy = true
    held.add(member)
  }

  /** @returns the member that could not start. */
  async #startAgain(
    affected: readonly Member[],
    failed: Member,
    error: Error | undefined,
  ): Promise<Member | undefined> {
    const { signal } = this.#interrupt
    await this.#stopAll(affected)
    for (const member of affected) {
      if (signal.aborted) return undefined
      const cause =
        member === failed ? error : new StateError(`worker ${failed.name} failed, with which it lives`)
      try {
        await member.start(this.#restartOf(member, cause))
      } catch {
        return member
      }
    }
    return undefined
  }

  /** Nobody starts it again, nor those that cannot live without it. */
  async #leave(member: Member, error: Error | undefined): Promise<void> {
    const isAlone = error === undefined || member.restart === 'temporary'
    const rest = isAlone ? [member] : this.#affectedBy(member)
    for (const each of rest) this.#recordOf(each).isSettled = true
    await this.#stopAll(rest)
    if (!isAlone) this.#options.onGiveUp(member, error)
  }

  /** How long to wait before it is started again; undefined when it is not. */
  #delayOf(member: Member, error: Error | undefined): number | undefined {
    const record = this.#recordOf(member)
    const atMs = systemClock.monotonic()
    const upMs = record.upSince === undefined ? 0 : atMs - record.upSince
    record.upSince = undefined
    const decision = decide(member.restart, { error, upMs, atMs }, record.history, this.#options)
    if (decision.action !== 'restart') return undefined
    record.history = decision.history
    return decision.delayMs
  }

  #restartOf(member: Member, cause: Error | undefined): Restart {
    return { cause, restarts: ++this.#recordOf(member).restarts }
  }

  #say(member: Member, error: Error | undefined, delayMs: number): void {
    const { name: worker } = member
    const what = error === undefined ? 'has ended' : 'failed'
    this.#options.logger.warn(
      { worker, err: error },
      `worker ${worker} ${what}: it is started again in ${formatMs(delayMs)}`,
    )
  }

  async #stopAll(members: readonly Member[]): Promise<void> {
    const { stopTimeoutMs: timeoutMs, logger } = this.#options
    await shutDown(members, { timeoutMs, logger })
  }

  /** Does something to members on purpose, and minds them again afterwards. */
  async #busy<T>(members: readonly Member[], run: () => Promise<T>): Promise<T> {
    for (const member of members) this.#recordOf(member).isBusy = true
    try {
      return await run()
    } finally {
      this.#free(members)
    }
  }

  #free(members: Iterable<Member>): void {
    for (const member of members) {
      const record = this.#records.get(member)
      if (record === undefined) continue
      record.isBusy = false
      if (member.isAlive) record.upSince ??= systemClock.monotonic()
      this.#watch(member, record)
    }
    this.#changed()
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
