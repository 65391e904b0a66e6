import { type Clock, systemClock } from '../../core/clock.ts'
import { checkOptions, custom, integer } from '../../core/options.ts'
import type { Backend } from '../../queue/backend.ts'
import { MemoryBackend } from './backend.ts'

export interface MemoryOptions {
  /** For tests. Default: the clocks of the machine. */
  readonly clock?: Clock
  /** The largest payload, in bytes. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

const rules = {
  clock: custom<Clock>('a Clock', isClock, () => systemClock),
  maxPayloadBytes: integer({ min: 1, default: 1_048_576 }),
}

/**
 * Keeps jobs in the memory of this process: for tests, for work that may be lost with the process, and as the
 * model that the durable stores are compared with.
 *
 * @throws InvalidOptionError for an option that is unknown or out of range.
 */
export function memory(options: MemoryOptions = {}): Backend {
  const { clock, maxPayloadBytes } = checkOptions('memory', rules, options)
  return new MemoryBackend(clock, maxPayloadBytes)
}

/** For `openBackend('memory:')`. */
export function fromUrl(): Backend {
  return memory()
}

function isClock(value: unknown): boolean {
  const clock = value as Partial<Clock> | null
  return typeof clock?.wall === 'function' && typeof clock.monotonic === 'function'
}
