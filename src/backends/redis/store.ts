import { StateError } from '../../core/errors.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { Argument, RedisClient } from './driver.ts'
import { type HashTag, Keys } from './keys.ts'
import type { ScriptClock } from './lua/clock.ts'
import { prepare } from './open.ts'
import { Quiet } from './quiet.ts'
import { type Script, type Scripts, scripts } from './scripts.ts'

export interface StoreOptions {
  readonly client: () => Promise<RedisClient>
  /** Names the server in errors, without credentials. */
  readonly label: string
  readonly prefix: string
  readonly hashTag: HashTag
  readonly allowEviction: boolean
  readonly commandTimeoutMs: number
  readonly clock: ScriptClock
  readonly maxPayloadBytes: number
}

/** So long the queues of an owner are remembered after it last took or renewed anything, s. */
const OWNER_SECONDS = 7 * 24 * 3600
/** How often that is said again, ms. */
const OWNER_REFRESH_MS = 3_600_000

/** A connection that is opened when it is first needed, and what the server knows of queues and owners. */
export class Store {
  readonly keys: Keys
  readonly scripts: Scripts
  readonly #options: StoreOptions
  readonly #connection: Connection
  #opening: Promise<void> | undefined
  #closed = false
  readonly quiet: Quiet
  /** Answers of scripts so far. */
  #heard = 0
  readonly #justHeard = new Map<string, string>()
  readonly #knownQueues = new Set<string>()
  /** When it was last noted that an owner has claims in a queue. */
  readonly #knownOwners = new Map<string, Map<string, number>>()

  constructor(options: StoreOptions) {
    this.#options = options
    this.keys = new Keys(options.prefix, options.hashTag)
    this.scripts = scripts(options.clock)
    this.quiet = new Quiet(options.clock.isReal)
    this.#connection = new Connection({
      ...this.connectionOptions,
      // It may be another server, or have lost what it knew.
      onReady: () => {
        this.#knownQueues.clear()
        this.#knownOwners.clear()
      },
    })
  }

  get connectionOptions(): ConnectionOptions {
    const { client, label, commandTimeoutMs } = this.#options
    return { client, label, commandTimeoutMs }
  }

  get maxPayloadBytes(): number {
    return this.#options.maxPayloadBytes
  }

  /** True when a script can use the keys of several queues. */
  get isWhole(): boolean {
    return !this.#connection.isCluster
  }

  /** True when two queues may be on two servers. */
  get isSpread(): boolean {
    return this.#connection.isCluster && this.#options.hashTag === 'queue'
  }

  /** @throws StateError once it is closed. */
  check(): void {
    if (this.#closed) throw new StateError('the redis backend is closed')
  }

  async open(): Promise<void> {
    this.check()
    this.#opening ??= prepare(this.#connection, { ...this.#options, keys: this.keys }).catch(
      (error: unknown) => {
        this.#opening = undefined
        throw error
      },
    )
    await this.#opening
    this.check()
  }

  reconnect(): void {
    this.#connection.renew('it is made anew')
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection.close()
  }

  /** Runs a script on a queue. */
  run(name: keyof Scripts, queue: string, args: readonly Argument[]): Promise<unknown> {
    return this.runOn(name, this.keys.base(queue), args)
  }

  /** Runs a script whose one key is `key`. */
  async runOn(name: keyof Scripts, key: string, args: readonly Argument[]): Promise<unknown> {
    await this.open()
    const script: Script = this.scripts[name]
    try {
      return await this.#connection.run(script, key, args)
    } finally {
      this.#heard++
      this.#justHeard.clear()
    }
  }

  knowsQueue(queue: string): boolean {
    return this.#knownQueues.has(queue)
  }

  /** How often a queue has woken anybody. */
  async wakes(queue: string): Promise<string> {
    const known = this.#justHeard.get(queue)
    if (known !== undefined) return known
    await this.open()
    const key = `${this.keys.base(queue)}:meta`
    const heard = this.#heard
    const reply = await this.#connection.command(key, ['HGET', key, 'wakes'])
    const wakes = String((reply as Buffer | null) ?? '0')
    // It is as good as new until anything else is heard, be it of another connection: that takes another tick.
    if (heard === this.#heard) {
      if (this.#justHeard.size === 0) process.nextTick(() => this.#justHeard.clear())
      this.#justHeard.set(queue, wakes)
    }
    return wakes
  }

  /** Whether anybody has claims in a queue. */
  async hasClaims(queue: string): Promise<boolean> {
    await this.open()
    const key = `${this.keys.base(queue)}:l`
    return (await this.#connection.command(key, ['EXISTS', key])) === 1
  }

  /** Notes that a queue was used, which is what stats() lists. */
  async noteQueue(queue: string): Promise<void> {
    if (this.knowsQueue(queue)) return
    await this.open()
    await this.#connection.command(this.keys.queues, ['SADD', this.keys.queues, queue])
    this.#knownQueues.add(queue)
  }

  async queues(): Promise<string[]> {
    await this.open()
    const found = await this.#connection.command(this.keys.queues, ['SMEMBERS', this.keys.queues])
    return texts(found)
  }

  knowsOwner(owner: string, queue: string): boolean {
    const notedAt = this.#knownOwners.get(owner)?.get(queue)
    return notedAt !== undefined && performance.now() - notedAt < OWNER_REFRESH_MS
  }

  /**
   * Notes, before it claims, that an owner may have claims in a queue: whoever renews or releases it later finds
   * them by that, and may be another process.
   */
  async noteOwner(owner: string, queue: string): Promise<void> {
    await this.open()
    const key = this.keys.owner(owner)
    await this.#connection.command(key, ['SADD', key, queue])
    await this.#connection.command(key, ['EXPIRE', key, String(OWNER_SECONDS)])
    // Owners come and go with the workers of this process, and are few.
    if (this.#knownOwners.size > 1000) this.#knownOwners.clear()
    const queues = this.#knownOwners.get(owner) ?? new Map<string, number>()
    this.#knownOwners.set(owner, queues.set(queue, performance.now()))
  }

  async queuesOf(owner: string): Promise<string[]> {
    await this.open()
    const key = this.keys.owner(owner)
    return texts(await this.#connection.command(key, ['SMEMBERS', key]))
  }
}

function texts(reply: unknown): string[] {
  return (reply as unknown[]).map(String)
}
