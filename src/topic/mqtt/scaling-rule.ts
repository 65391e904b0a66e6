import { InvalidOptionError } from '../../core/errors.ts'
import { checkOptions, integer, number, type Checked, type Rule } from '../../core/options.ts'

/** What a group of workers has to do and does. */
export interface Load {
  /** Messages that wait: those that the workers have and have not handled, and those that a source tells of. */
  readonly depth: number
  /** Messages handled a second. */
  readonly ratePerSecond: number
  /** How many workers there are. */
  readonly workers: number
}

export interface ScalingOptions {
  /** Default 1. */
  readonly minWorkers?: number
  /** Default 10. */
  readonly maxWorkers?: number
  /** Above this depth there may be more workers. Default 1000. */
  readonly highDepth?: number
  /** Then one worker for so many messages that wait. Default 100. */
  readonly depthPerWorker?: number
  /** Below this depth there may be fewer. Default 100. */
  readonly lowDepth?: number
  /** And only while fewer messages a second are handled. Default 10. */
  readonly lowRate?: number
}

export const SCALING_RULES: Readonly<Record<keyof ScalingOptions, Rule<number>>> = {
  minWorkers: integer({ min: 1, default: 1 }),
  maxWorkers: integer({ min: 1, max: 64, default: 10 }),
  highDepth: number({ min: 0, default: 1000 }),
  depthPerWorker: number({ min: 1, default: 100 }),
  lowDepth: number({ min: 0, default: 100 }),
  lowRate: number({ min: 0, default: 10 }),
}

export type ScalingLimits = Checked<typeof SCALING_RULES>

/** @throws InvalidOptionError naming the option. */
export function checkScaling(options: ScalingOptions | undefined): ScalingLimits {
  const limits = checkOptions('scaling', SCALING_RULES, options)
  const { minWorkers, maxWorkers, lowDepth, highDepth } = limits
  if (minWorkers > maxWorkers) throw above('minWorkers', minWorkers, 'maxWorkers', maxWorkers)
  // Between the two it holds: without that room it would go up and down for ever.
  if (lowDepth > highDepth) throw above('lowDepth', lowDepth, 'highDepth', highDepth)
  return limits
}

function above(option: string, value: number, other: string, limit: number): InvalidOptionError {
  return new InvalidOptionError(option, `expected ${option} to be at most ${other} (${limit}), got: ${value}`)
}

/**
 * How many workers there should be: above `highDepth` one for each `depthPerWorker`, and never fewer than there are;
 * below `lowDepth` and `lowRate` one fewer; else as many as there are. A depth that is not known changes nothing.
 */
export function wantedWorkers({ depth, ratePerSecond, workers }: Load, limits: ScalingLimits): number {
  const { minWorkers, maxWorkers, highDepth, depthPerWorker, lowDepth, lowRate } = limits
  let wanted = workers
  if (depth > highDepth) wanted = Math.max(workers, Math.floor(depth / depthPerWorker))
  else if (depth < lowDepth && ratePerSecond < lowRate) wanted = workers - 1
  return Math.min(maxWorkers, Math.max(minWorkers, wanted))
}
