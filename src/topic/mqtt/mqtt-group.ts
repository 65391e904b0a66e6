import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Lane } from '../../server/lane.ts'
import { WorkerGroup } from '../../server/worker-group.ts'
import type { WorkerGroupOptions } from '../../server/worker-group-options.ts'
import { WorkerHandle } from '../../worker/handle.ts'
import { MqttConnection } from './connection.ts'
import { MqttSlot, RETIRE, RETIRED, type MqttSlotOptions } from './mqtt-slot-entry.ts'

export interface MqttGroupOptions extends WorkerGroupOptions<MqttSlotOptions> {
  readonly name: string
  readonly replicas: number
  readonly maxReplicas: number
  readonly options: (slot: number) => MqttSlotOptions
  readonly logger: Logger
  /** So many slots at most are looked at for a session that they left when the group last had more of them. */
  readonly slotsToLookAt: number
}

/** After so many slots in a row without a session no further ones are looked at. */
const MISSES = 10

/**
 * Worker processes that each keep a session at the broker under the name of their slot. A worker that comes back
 * finds its session as it left it. For one that does not, its session is emptied and ended: the broker would go on
 * dealing messages to it, and nobody would ever handle them.
 */
export class MqttGroup extends WorkerGroup<MqttSlotOptions> {
  readonly #options: MqttGroupOptions
  /** Slots that come and go, and sessions that are ended, take turns. */
  readonly #steps = new Lane()
  #releasing: WorkerHandle | undefined

  /** @throws InvalidOptionError naming the option. */
  constructor({ slotsToLookAt, ...options }: MqttGroupOptions) {
    // There cannot be two with the same client id: the broker throws the first one out.
    super(MqttSlot, { ...options, reload: 'replace' })
    this.#options = { slotsToLookAt, ...options }
    this.events.on('failed', ({ worker, error }) => {
      const slot = this.status().find(({ name }) => name === worker)?.id
      // Who took its session over has it now.
      if (slot === undefined || Reflect.get(error, 'code') === 'CLIENT_TAKEN_OVER') return
      void this.#steps.run(() => this.#release(slot))
    })
  }

  override async start(): Promise<void> {
    const isFirst = !this.isAlive
    await super.start()
    if (isFirst) void this.#releaseLeftovers()
  }

  override async stop(options?: Parameters<WorkerGroup['stop']>[0]): Promise<void> {
    const stopped = super.stop(options)
    await Promise.all([stopped, this.#releasing?.stop()])
  }

  override scale(n: number): Promise<void> {
    return this.#steps.run(async () => {
      if (Number.isInteger(n) && n >= 1) while (this.isAlive && this.replicas > n) await this.#retireLast()
      // Adds what is missing, and says what is wrong with n.
      if (this.replicas !== n) await super.scale(n)
    })
  }

  async #retireLast(): Promise<void> {
    const slot = this.status().at(-1)!.id
    const handle = this.handles.at(-1)!
    let isRetired = false
    const off = handle.events.on('message', ({ message }) => {
      isRetired ||= message === RETIRED
    })
    try {
      if (handle.isRunning) handle.send(RETIRE)
      await super.scale(this.replicas - 1)
    } finally {
      off()
    }
    if (!isRetired) await this.#release(slot)
  }

  /** Empties and ends the session of a slot that has no worker. Never rejects. */
  async #release(slot: number): Promise<void> {
    if (!this.isAlive) return
    const { options, logger, startTimeout, stallThreshold, execArgv, env } = this.#options
    const own = options(slot)
    const { will: _will, birth: _birth, ...connection } = own.connection
    const name = `${this.name}-${slot}-release`
    const handle = new WorkerHandle(
      MqttSlot,
      { ...own, connection, name, logger, isRelease: true },
      {
        ...(startTimeout !== undefined && { startTimeout }),
        ...(stallThreshold !== undefined && { stallThreshold }),
        ...(execArgv !== undefined && { execArgv }),
        ...(env !== undefined && { env }),
      },
    )
    let isRetired = false
    handle.events.on('message', ({ message }) => {
      isRetired ||= message === RETIRED
    })
    this.#releasing = handle
    // What it fails with is logged there.
    await handle.start().catch(() => {})
    await handle.join()
    this.#releasing = undefined
    const told = { slot, clientId: connection.clientId }
    if (isRetired) logger.info(told, `the session of ${this.name}-${slot} is empty and ended`)
    else {
      const message = `the session of ${this.name}-${slot} could not be emptied: what is in it waits until a worker of that slot starts, or the session expires`
      logger.error(told, message)
    }
  }

  /** Those of slots that there were when the group ran last. Never rejects. */
  async #releaseLeftovers(): Promise<void> {
    const { slotsToLookAt } = this.#options
    for (let slot = this.replicas, found = slot; slot < Math.min(slotsToLookAt, found + MISSES); slot++) {
      const hasLeft = await this.#steps.run(async () => {
        if (slot < this.replicas || !this.isAlive || !(await this.#hasSession(slot))) return false
        await this.#release(slot)
        return true
      })
      if (hasLeft) found = slot + 1
    }
  }

  async #hasSession(slot: number): Promise<boolean> {
    const { will: _will, birth: _birth, ...connection } = this.#options.options(slot).connection
    let isPresent = false
    const probe = new MqttConnection({ ...connection, patience: 0 }, () => {})
    probe.events.on('connected', ({ sessionPresent }) => {
      isPresent ||= sessionPresent
    })
    try {
      await probe.connect()
      await probe.disconnect(isPresent ? {} : { sessionExpiry: 0 })
      return isPresent
    } catch (thrown) {
      this.#options.logger.debug(
        { slot, err: toError(thrown) },
        'whether a slot has left a session is not known',
      )
      return false
    }
  }
}
