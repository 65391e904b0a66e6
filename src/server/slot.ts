import { MillhandError } from '../core/errors.ts'
import type { KillCause } from '../core/telemetry.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import { isAlive, type Restart } from '../worker/lifecycle.ts'
import type { Member } from './member.ts'
import type { RestartPolicy } from './restart-policy.ts'

export interface SlotOptions {
  readonly restart: RestartPolicy
  readonly stopTimeoutMs: number | undefined
  /** `surge`: there may be two for a moment. `replace`: the old one ends first. */
  readonly reload: 'surge' | 'replace'
  /** Above it the worker is recycled, bytes. */
  readonly maxMemory: number | undefined
}

/** The place of one worker: it keeps its name while workers come and go in it. */
export class Slot implements Member {
  readonly handle: WorkerHandle
  readonly #options: SlotOptions
  #surging: Promise<void> | undefined

  /** @param onOversized called when the worker uses more memory than it may, again at each sign of life. */
  constructor(handle: WorkerHandle, options: SlotOptions, onOversized: (slot: Slot, cause: Error) => void) {
    this.handle = handle
    this.#options = options
    const { maxMemory } = options
    if (maxMemory === undefined) return
    handle.events.on('usage', ({ memoryBytes }) => {
      if (memoryBytes > maxMemory) onOversized(this, oversized(handle.name, memoryBytes, maxMemory))
    })
  }

  get name(): string {
    return this.handle.name
  }

  get restart(): RestartPolicy {
    return this.#options.restart
  }

  get stopTimeoutMs(): number | undefined {
    return this.#options.stopTimeoutMs
  }

  get sharesFate(): boolean {
    return this.#options.restart !== 'temporary'
  }

  get isAlive(): boolean {
    // The old one may fail while its successor is not ready yet.
    return isAlive(this.handle.state) || this.#surging !== undefined
  }

  get error(): Error | undefined {
    return this.handle.error
  }

  get handles(): readonly WorkerHandle[] {
    return [this.handle]
  }

  claims(name: string): boolean {
    return name === this.name
  }

  start(restart?: Restart): Promise<void> {
    return this.handle.start(restart)
  }

  async stop(): Promise<void> {
    await this.handle.stop({ timeout: 'none' })
    await this.#surging
  }

  kill(cause: KillCause): Promise<void> {
    return this.handle.kill(cause)
  }

  async ended(): Promise<void> {
    // Another worker may have taken the place of the one that ended.
    do {
      await this.handle.join()
      await this.#surging
    } while (this.isAlive)
  }

  async surge(restart: Restart): Promise<boolean> {
    if (this.#options.reload === 'replace') return false
    const surging = this.handle.surge(restart)
    const over = surging
      .catch(() => {})
      .then(() => {
        this.#surging = undefined
      })
    this.#surging = over
    await over
    await surging
    return true
  }

  quiet(): void {
    this.handle.quiet()
  }

  resume(): void {
    this.handle.resume()
  }
}

function oversized(name: string, memoryBytes: number, maxMemory: number): Error {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  return new MillhandError(
    'MEMORY_LIMIT',
    `worker ${name} uses ${mib(memoryBytes)}, more than its maxMemory of ${mib(maxMemory)}`,
  )
}
