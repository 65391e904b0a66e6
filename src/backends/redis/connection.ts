import { BackendError, StateError } from '../../core/errors.ts'
import { type Argument, type Driver, driverOf, type RedisClient } from './driver.ts'
import { explained, unreachable } from './failure.ts'
import type { Script } from './scripts.ts'

export interface ConnectionOptions {
  /** Makes the client whose kind and options the connection has. */
  readonly client: () => Promise<RedisClient>
  /** Names the server in errors, without credentials. */
  readonly label: string
  /** A command that was not answered for so long has failed, and its connection with it, ms. */
  readonly commandTimeoutMs: number
  /** The connection is there, at first or again. */
  readonly onReady?: () => void
  readonly onMessage?: (channel: string) => void
}

/** For so long a command waits for a connection that was lost, ms. For the first one it waits as for an answer. */
const PATIENCE_MS = 1_000

interface Pending {
  readonly sentAt: number
  readonly reject: (error: Error) => void
}

/** A connection whose every command ends: with an answer, or with an error that says whether to try again. */
export class Connection {
  readonly #options: ConnectionOptions
  #driver: Driver | undefined
  #making: Promise<Driver> | undefined
  #lastError: Error | undefined
  /** When anything was last heard of the connection. */
  #lastSign = performance.now()
  #closed = false
  readonly #waiting = new Set<() => void>()
  readonly #pending = new Set<Pending>()
  #watchdog: NodeJS.Timeout | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get isCluster(): boolean {
    return this.#driver?.isCluster === true
  }

  /** Runs a script on the keys that begin with `base`. */
  async run(script: Script, base: string, args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#send(base, ['EVALSHA', script.sha, '1', base, ...args])
    } catch (error) {
      if (!isUnknownScript(error)) throw this.#failure(error)
    }
    return this.command(base, ['EVAL', script.text, '1', base, ...args])
  }

  async command(key: string, args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#send(key, args)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async subscribe(channel: string): Promise<void> {
    await (await this.#ready()).subscribe(channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    if (this.#driver?.isReady) await this.#driver.unsubscribe(channel)
  }

  /** Makes the connection anew. What was not answered is rejected, and may or may not have happened. */
  renew(why: string): void {
    if (this.#closed) return
    const error = unreachable(this.#options.label, why)
    for (const { reject } of this.#pending) reject(error)
    this.#pending.clear()
    // One that is being made already is left alone.
    if (!this.#driver?.isReady) return
    this.#lastSign = performance.now()
    this.#driver.renew()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#watchdog)
    this.#watchdog = undefined
    this.#driver?.close()
    const error = new StateError('the redis backend is closed')
    for (const { reject } of this.#pending) reject(error)
    this.#pending.clear()
    for (const wake of this.#waiting) wake()
  }

  async #send(key: string, args: readonly Argument[]): Promise<unknown> {
    const driver = this.#driver?.isReady ? this.#driver : await this.#ready()
    return new Promise((resolve, reject) => {
      const pending: Pending = { sentAt: performance.now(), reject }
      this.#pending.add(pending)
      this.#watch()
      driver.send(key, args).then(
        (reply) => {
          this.#pending.delete(pending)
          resolve(reply)
        },
        (error: unknown) => {
          this.#pending.delete(pending)
          reject(error)
        },
      )
    })
  }

  /** The driver, as soon as it is connected; waits for that a little. */
  async #ready(): Promise<Driver> {
    const since = performance.now()
    const driver = await (this.#making ??= this.#make())
    while (!driver.isReady) {
      if (this.#closed) throw new StateError('the redis backend is closed')
      const patience = this.#lastError === undefined ? this.#options.commandTimeoutMs : PATIENCE_MS
      const left = since + patience - performance.now()
      if (this.#lastError !== undefined && !this.#isPassing(this.#lastError)) throw this.#lastError
      if (left <= 0) {
        this.#hurry(driver)
        throw this.#lastError === undefined
          ? unreachable(this.#options.label, 'it did not answer')
          : explained(this.#lastError, this.#options.label).error
      }
      await this.#nextReady(left)
    }
    return driver
  }

  /** Even a connection that is being made may be half-open: then neither an error comes of it nor an end. */
  #hurry(driver: Driver): void {
    const now = performance.now()
    if (now - this.#lastSign < this.#options.commandTimeoutMs) return
    this.#lastSign = now
    driver.renew()
  }

  #nextReady(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#waiting.add(wake)
    })
  }

  async #make(): Promise<Driver> {
    const { client, onReady, onMessage } = this.#options
    let made: RedisClient
    try {
      made = await client()
    } catch (error) {
      this.#making = undefined
      throw error
    }
    const driver = driverOf(made, {
      onReady: () => {
        this.#lastError = undefined
        this.#lastSign = performance.now()
        for (const wake of this.#waiting) wake()
        onReady?.()
      },
      onError: (error) => {
        this.#lastError = error
        this.#lastSign = performance.now()
        // What will not mend is told at once, and for what may one waits no longer than that.
        for (const wake of this.#waiting) wake()
      },
      onMessage: (channel) => onMessage?.(channel),
    })
    this.#driver = driver
    if (this.#closed) driver.close()
    else driver.connect()
    return driver
  }

  /** Whether to hope that the next try to connect succeeds. */
  #isPassing(error: Error): boolean {
    const explanation = explained(error, this.#options.label).error
    return explanation instanceof BackendError && explanation.retryable
  }

  #failure(thrown: unknown): Error {
    const { error, renew } = explained(thrown, this.#options.label)
    if (renew) this.renew('it is made anew')
    return error
  }

  /** Nothing is heard over a half-open connection, not even its end. */
  #watch(): void {
    if (this.#watchdog !== undefined) return
    const { commandTimeoutMs } = this.#options
    this.#watchdog = setTimeout(() => {
      this.#watchdog = undefined
      const [oldest] = this.#pending
      if (oldest === undefined) return
      if (performance.now() - oldest.sentAt < commandTimeoutMs) {
        this.#watch()
        return
      }
      this.renew(`no answer for ${commandTimeoutMs} ms`)
    }, commandTimeoutMs / 4)
    this.#watchdog.unref()
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOSCRIPT')
}
