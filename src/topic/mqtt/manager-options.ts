import type { Duration } from '../../core/duration.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { createLogger, type Logger } from '../../core/logger.ts'
import {
  checkOptions,
  custom,
  duration,
  number,
  optional,
  string,
  type Checked,
  type Rule,
} from '../../core/options.ts'
import type { RetryOptions } from '../../core/retry.ts'
import type { RestartOptions, SupervisionOptions } from '../../server/supervision-options.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { DepthSource } from './load-meter.ts'
import { checkScaling, SCALING_RULES, type ScalingLimits, type ScalingOptions } from './scaling-rule.ts'

export interface ManagerScaling extends ScalingOptions {
  /** Default 30 s. */
  readonly every?: Duration
  /** Messages that wait at the broker, to be added to those that the workers have. Default: none is known. */
  readonly depth?: DepthSource
}

export interface WorkerManagerOptions {
  /** Who shares the messages of shared routes. Default: MQTT_GROUP_NAME, else mqtt_framework_group. */
  readonly groupName?: string
  /** A directory whose files export routers; all of them are served. */
  readonly routerDirectory?: string
  /** The file that exports the router, where each worker process finds it: `import.meta.url`. */
  readonly module?: string
  /** Names the workers, `NAME-0`, `NAME-1`. Default: mqtt. */
  readonly name?: string
  /**
   * Slot 0 is `CLIENTID-0` to the broker, and so on: the same from run to run, and nobody else's.
   * Default: MQTT_CLIENT_ID, else mqtt-worker.
   */
  readonly clientId?: string
  /** How to reach the broker. Default: what the environment says, else mqtt://localhost:1883. */
  readonly connection?: BrokerOptions
  /** As of TopicWorker. */
  readonly timeout?: Duration | 'none'
  /** As of TopicWorker, without functions, which cannot go to another process. */
  readonly retry?: RetryOptions | false
  /** As of TopicWorker; the jobs of a queue only a route or a Router can name. */
  readonly deadLetter?: string | false
  readonly drainTimeout?: Duration
  /** Adds and drains workers by their load. Default: false. */
  readonly scaling?: boolean | ManagerScaling
  /** Warns when a worker uses more than so many percent of a core or of the memory. Default 80. */
  readonly warnPercent?: number
  /** How often that is looked at. Default 5 s. */
  readonly warnEvery?: Duration
  /** How the processes are looked after. Default: as of a Server. */
  readonly supervision?: Omit<SupervisionOptions, 'reload'> & RestartOptions
  /** Default: a logger on standard error. */
  readonly logger?: Logger
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const MANAGER_RULES: {
  readonly groupName: Rule<string | undefined>
  readonly routerDirectory: Rule<string | undefined>
  readonly module: Rule<string | undefined>
  readonly name: Rule<string>
  readonly clientId: Rule<string | undefined>
  readonly connection: Rule<BrokerOptions>
  readonly timeout: Rule<Duration | 'none' | undefined>
  readonly retry: Rule<RetryOptions | false | undefined>
  readonly deadLetter: Rule<string | false | undefined>
  readonly drainTimeout: Rule<Duration | undefined>
  readonly scaling: Rule<boolean | ManagerScaling>
  readonly warnPercent: Rule<number>
  readonly warnEvery: Rule<number>
  readonly supervision: Rule<NonNullable<WorkerManagerOptions['supervision']>>
  readonly logger: Rule<Logger>
} = {
  groupName: optional(string()),
  routerDirectory: optional(string()),
  module: optional(string()),
  name: string({ default: 'mqtt' }),
  clientId: optional(string()),
  connection: custom<BrokerOptions>('an object', isObject, () => ({})),
  // Each process checks these, and says what is wrong with them.
  timeout: optional(custom<Duration | 'none'>('a duration or none', () => true)),
  retry: optional(
    custom<RetryOptions | false>('options of a retry policy, or false', (v) => v === false || isObject(v)),
  ),
  deadLetter: optional(
    custom<string | false>('a topic or false', (v) => v === false || typeof v === 'string'),
  ),
  drainTimeout: optional(custom<Duration>('a duration', () => true)),
  scaling: custom<boolean | ManagerScaling>(
    'true, false or an object',
    (v) => typeof v === 'boolean' || isObject(v),
    () => false,
  ),
  warnPercent: number({ min: 1, default: 80 }),
  warnEvery: duration({ default: '5s', min: 10 }),
  supervision: custom<NonNullable<WorkerManagerOptions['supervision']>>('an object', isObject, () => ({})),
  logger: custom<Logger>(
    'a logger',
    (value) => typeof Reflect.get(Object(value), 'child') === 'function',
    () => createLogger(),
  ),
}

export interface CheckedScaling {
  readonly limits: ScalingLimits
  readonly everyMs: number
  readonly depth: DepthSource | undefined
}

export type CheckedManager = Omit<Checked<typeof MANAGER_RULES>, 'scaling'> & {
  /** Undefined: it is only done when it is asked for. */
  readonly scaling: CheckedScaling | undefined
}

/** @throws InvalidOptionError naming the option. */
export function checkManagerOptions(
  options: WorkerManagerOptions | undefined,
  hasRouter: boolean,
): CheckedManager {
  const { scaling, ...checked } = checkOptions('WorkerManager', MANAGER_RULES, options)
  if (hasRouter && checked.module === undefined) {
    throw new InvalidOptionError(
      'module',
      'expected module to be import.meta.url of the file that exports the router: each worker process loads it there',
    )
  }
  if (!hasRouter && checked.routerDirectory === undefined) {
    throw new InvalidOptionError(
      'routerDirectory',
      'expected a router with its module, a routerDirectory, or both, got: neither',
    )
  }
  return { ...checked, scaling: scaling === false ? undefined : scalingOf(scaling === true ? {} : scaling) }
}

function scalingOf(given: ManagerScaling): CheckedScaling {
  const rules = {
    ...SCALING_RULES,
    every: duration({ default: '30s', min: 10 }),
    depth: optional(custom<DepthSource>('a function', (value) => typeof value === 'function')),
  }
  const { every: everyMs, depth, ...limits } = checkOptions('scaling', rules, given)
  return { limits: checkScaling(limits), everyMs, depth }
}
