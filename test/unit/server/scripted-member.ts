import type { KillCause } from '../../../src/core/telemetry.ts'
import type { Member } from '../../../src/server/member.ts'
import type { RestartPolicy } from '../../../src/server/restart-policy.ts'
import type { Restart } from '../../../src/worker/lifecycle.ts'

export interface Script {
  readonly restart?: RestartPolicy
  readonly stopTimeoutMs?: number
  /** Shared by all: what happens, in order. */
  readonly notes?: string[]
  /** What each start does, the first one first; after the last one they succeed. */
  readonly starts?: readonly (Error | 'hangs' | Promise<void> | undefined)[]
  /** Whether a stop is heard. */
  readonly isDeaf?: boolean
  readonly hasSurge?: boolean
}

/** A member that does what a test says, at once. */
export class ScriptedMember implements Member {
  readonly name: string
  readonly restart: RestartPolicy
  readonly stopTimeoutMs: number | undefined
  readonly handles = []
  readonly causes: (Error | undefined)[] = []
  readonly kills: KillCause[] = []
  lives = 0
  isAlive = false
  error: Error | undefined
  readonly #script: Script
  readonly #starts: (Error | 'hangs' | Promise<void> | undefined)[]
  #ended = Promise.withResolvers<void>()
  #started = Promise.withResolvers<void>()

  constructor(name: string, script: Script = {}) {
    this.name = name
    this.#script = script
    this.restart = script.restart ?? 'transient'
    this.stopTimeoutMs = script.stopTimeoutMs
    this.#starts = [...(script.starts ?? [])]
    this.#ended.resolve()
  }

  get sharesFate(): boolean {
    return this.restart !== 'temporary'
  }

  claims(name: string): boolean {
    return name === this.name
  }

  async start(restart?: Restart): Promise<void> {
    if (this.isAlive) return this.#started.promise
    this.#note('start')
    this.lives++
    if (restart !== undefined) this.causes.push(restart.cause)
    this.isAlive = true
    this.error = undefined
    this.#ended = Promise.withResolvers()
    this.#started = Promise.withResolvers()
    void this.#setUp(this.#starts.shift(), this.#started)
    return this.#started.promise
  }

  /** Its life ends now: with an error, or in peace. */
  end(error?: Error): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.error = error
    this.#note(error === undefined ? 'end' : 'failed')
    // A stop during the start is no failure of it.
    this.#started.resolve()
    this.#ended.resolve()
  }

  async stop(): Promise<void> {
    this.#note('stop')
    if (this.#script.isDeaf !== true) this.end()
    await this.#ended.promise
  }

  async kill(cause: KillCause): Promise<void> {
    this.kills.push(cause)
    this.end(cause.error)
  }

  ended(): Promise<void> {
    return this.#ended.promise
  }

  async surge(): Promise<boolean> {
    if (this.#script.hasSurge !== true) return false
    this.#note('surge')
    const next = this.#starts.shift()
    if (next instanceof Error) throw next
    await (next === 'hangs' ? new Promise(() => {}) : next)
    this.lives++
    return true
  }

  quiet(): void {}
  resume(): void {}

  async #setUp(plan: Error | 'hangs' | Promise<void> | undefined, started: PromiseWithResolvers<void>) {
    if (plan === 'hangs') return
    if (plan instanceof Error) {
      started.reject(plan)
      return this.end(plan)
    }
    await plan
    started.resolve()
  }

  #note(what: string): void {
    this.#script.notes?.push(`${what} ${this.name}`)
  }
}
