import type { Duration } from '../core/duration.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { custom, duration, integer, optional, string, type Rule } from '../core/options.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import type { ScalingRule } from './scaling.ts'
import {
  RESTART_RULES,
  SUPERVISION_RULES,
  type RestartOptions,
  type SupervisionOptions,
} from './supervision-options.ts'

export interface WorkerGroupOptions<Options extends object = object>
  extends SupervisionOptions, RestartOptions {
  /** Names the group; its workers are `name-0`, `name-1`. Default: the class and a number. */
  readonly name?: string
  /** Workers at the start. Default: minReplicas. */
  readonly replicas?: number
  /** Default: 1. */
  readonly minReplicas?: number
  /** Default: 64. */
  readonly maxReplicas?: number
  /** For the constructor of each worker, or a function of the slot that gives them. */
  readonly options?: Options | ((slot: number) => Options)
  /** Says how many workers there should be, from what they do; asked every `scaleEvery`. Default: none. */
  readonly scaling?: ScalingRule
  /** Default: 10s. */
  readonly scaleEvery?: Duration
  /** Default: a logger on standard error. */
  readonly logger?: Logger
}

export interface WorkerGroupEvents {
  /** A slot was added, of a number that is kept; its worker is not started yet. */
  placed: { readonly slot: number; readonly handle: WorkerHandle }
  /** There is one more worker, or one fewer; the other slots were not touched. */
  scaled: { readonly group: string; readonly from: number; readonly to: number }
  /** A worker was given up, since "it" did `reason`; the others go on. */
  failed: { readonly worker: string; readonly error: Error; readonly reason: string }
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isOptions = (value: unknown): boolean =>
  isFunction(value) || (typeof value === 'object' && value !== null)

export const GROUP_RULES: typeof SUPERVISION_RULES &
  typeof RESTART_RULES & {
    readonly name: Rule<string | undefined>
    readonly replicas: Rule<number | undefined>
    readonly minReplicas: Rule<number>
    readonly maxReplicas: Rule<number>
    readonly options: Rule<object | ((slot: number) => object)>
    readonly scaling: Rule<ScalingRule | undefined>
    readonly scaleEvery: Rule<number>
    readonly logger: Rule<Logger>
  } = {
  ...SUPERVISION_RULES,
  ...RESTART_RULES,
  name: optional(string()),
  replicas: optional(integer({ min: 1, default: 1 })),
  minReplicas: integer({ min: 1, default: 1 }),
  maxReplicas: integer({ min: 1, default: 64 }),
  options: custom<object | ((slot: number) => object)>(
    'an object, or a function of the slot',
    isOptions,
    () => ({}),
  ),
  scaling: optional(custom<ScalingRule>('a function', isFunction)),
  scaleEvery: duration({ default: '10s', min: 10 }),
  logger: custom<Logger>(
    'a logger',
    (value) => isFunction(Reflect.get(Object(value), 'child')),
    () => createLogger(),
  ),
}
