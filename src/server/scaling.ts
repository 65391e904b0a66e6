import { toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { SlotStatus } from './slot-status.ts'

/** What a group does, all its workers together. */
export interface GroupView {
  readonly replicas: number
  /** Work that waits for them, as far as they know. */
  readonly queueSize: number
  readonly processedCount: number
  readonly errorCount: number
  /** The mean of the workers that have said it; undefined when none has. */
  readonly cpuPercent: number | undefined
  /** How busy their event loops are, 0 to 1; the mean. */
  readonly utilization: number | undefined
  readonly slots: readonly SlotStatus[]
}

/** How many workers there should be. Kept within minReplicas and maxReplicas; what is not a number changes nothing. */
export type ScalingRule = (view: GroupView) => number

export function viewOf(slots: readonly SlotStatus[]): GroupView {
  const sum = (of: (slot: SlotStatus) => number): number => slots.reduce((total, slot) => total + of(slot), 0)
  return {
    replicas: slots.length,
    queueSize: sum((slot) => slot.queueSize),
    processedCount: sum((slot) => slot.processedCount),
    errorCount: sum((slot) => slot.errorCount),
    cpuPercent: mean(slots.map((slot) => slot.cpuPercent)),
    utilization: mean(slots.map((slot) => slot.utilization)),
    slots,
  }
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0) / known.length
}

export interface Scalable {
  view(): GroupView
  scale(n: number): Promise<void>
  readonly logger: Logger
}

/** Asks a rule every so often, and does what it says. One change is over before the next is thought of. */
export class Autoscaler {
  readonly #rule: ScalingRule
  readonly #everyMs: number
  readonly #target: Scalable
  #timer: NodeJS.Timeout | undefined
  #isScaling = false

  constructor(rule: ScalingRule, everyMs: number, target: Scalable) {
    this.#rule = rule
    this.#everyMs = everyMs
    this.#target = target
  }

  start(): void {
    this.#timer = setInterval(() => void this.#ask(), this.#everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<void> {
    if (this.#isScaling) return
    this.#isScaling = true
    const { logger } = this.#target
    try {
      const view = this.#target.view()
      const wanted = Math.round(this.#rule(view))
      if (Number.isFinite(wanted) && wanted !== view.replicas) await this.#target.scale(wanted)
    } catch (thrown) {
      logger.error({ err: toError(thrown) }, 'scaling failed; it is tried again')
    } finally {
      this.#isScaling = false
    }
  }
}
