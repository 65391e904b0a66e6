import type { SlotStatus } from '../../server/slot-status.ts'

/** A worker uses more than it should for its health, or its machine's. */
export interface ResourceWarning {
  readonly worker: string
  readonly resource: 'cpu' | 'memory'
  /** Of one core, or of the memory that there is. */
  readonly percent: number
}

export interface ResourceLimits {
  /** Above it there is a warning. */
  readonly warnPercent: number
  /** What 100 % of the memory are, bytes. */
  readonly memoryBytes: number
}

/** Tells once when a worker comes above the limit, and again only when it was below it meanwhile. */
export class ResourceWatch {
  readonly #limits: ResourceLimits
  #above: ReadonlySet<string> = new Set()

  constructor(limits: ResourceLimits) {
    this.#limits = limits
  }

  /** What is new since the last look. */
  look(slots: readonly Pick<SlotStatus, 'name' | 'cpuPercent' | 'memoryBytes'>[]): ResourceWarning[] {
    const { warnPercent, memoryBytes: total } = this.#limits
    const above = slots.flatMap(({ name: worker, cpuPercent, memoryBytes }): ResourceWarning[] => {
      const memory = memoryBytes === undefined ? 0 : (memoryBytes / total) * 100
      return [
        { worker, resource: 'cpu', percent: Math.round(cpuPercent ?? 0) } as const,
        { worker, resource: 'memory', percent: Math.round(memory) } as const,
      ].filter(({ percent }) => percent > warnPercent)
    })
    const known = this.#above
    this.#above = new Set(above.map(keyOf))
    return above.filter((warning) => !known.has(keyOf(warning)))
  }
}

function keyOf({ worker, resource }: ResourceWarning): string {
  return `${worker} ${resource}`
}
