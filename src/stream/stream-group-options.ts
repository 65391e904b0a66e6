import type { Logger } from '../core/logger.ts'
import { checkOptions, custom, integer, oneOf, optional, type Checked, type Rule } from '../core/options.ts'
import type { RestartOptions, SupervisionOptions } from '../server/supervision-options.ts'
import { GROUP_RULES } from '../server/worker-group-options.ts'
import type { Placement } from '../worker/status.ts'
import type { StreamOutputs } from './outputs.ts'
import { ROUTER_RULES, type RouterOptions } from './router-options.ts'
import { memorySnapshots, type SnapshotStore } from './snapshot-store.ts'
import {
  SETTINGS_RULES,
  settingsOf,
  type StreamSettings,
  type StreamWorkerSettings,
} from './stream-settings.ts'

export interface StreamGroupOptions<Options extends object = object>
  extends
    RouterOptions,
    StreamWorkerSettings,
    Omit<SupervisionOptions, 'reload' | 'restart'>,
    RestartOptions {
  /** Names the group; its workers are `name-0`, `name-1`. Default: the class and a number. */
  readonly name?: string
  /** Workers at the start. Default: 1. */
  readonly workers?: number
  /** More there cannot be. Default: 64. */
  readonly maxWorkers?: number
  /** Where they run. Default: thread. */
  readonly placement?: Placement
  /** For the constructor of each worker, or a function of the slot that gives them. */
  readonly options?: Options | ((slot: number) => Options)
  /** Where `emit` leads to: other streams and queues, by name. Default: none. */
  readonly outputs?: StreamOutputs
  /** Where states are saved. Default: in the memory of this process. */
  readonly store?: SnapshotStore
  /** After so many lives of a worker that one message has ended, that message is skipped, and told as a gap. Default: 3. */
  readonly maxCrashes?: number
  /** Default: a logger on standard error. */
  readonly logger?: Logger
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
const isStore = (value: unknown): boolean =>
  isObject(value) &&
  ['save', 'complete', 'load', 'clear'].every(
    (name) => typeof Reflect.get(value as object, name) === 'function',
  )

const {
  reload: _reload,
  restart: _restart,
  minReplicas: _min,
  maxReplicas: _max,
  replicas: _replicas,
  scaling: _scaling,
  scaleEvery: _every,
  ...REST
} = GROUP_RULES

const OWN_RULES: {
  readonly workers: Rule<number>
  readonly maxWorkers: Rule<number>
  readonly placement: Rule<Placement>
  readonly outputs: Rule<StreamOutputs>
  readonly store: Rule<SnapshotStore>
  readonly maxCrashes: Rule<number>
  readonly intensity: Rule<number | undefined>
} = {
  workers: integer({ min: 1, default: 1 }),
  maxWorkers: integer({ min: 1, max: 1024, default: 64 }),
  placement: oneOf(['thread', 'process', 'inline'], 'thread'),
  outputs: custom<StreamOutputs>('an object of streams and queues', isObject, () => ({})),
  store: custom<SnapshotStore>('a store of snapshots', isStore, memorySnapshots),
  maxCrashes: integer({ min: 1, default: 3 }),
  intensity: optional(integer({ min: 0, default: 0 })),
}

const RULES = { ...REST, ...ROUTER_RULES, ...SETTINGS_RULES, ...OWN_RULES }

/** Messages wait for their worker, and nobody else can take them: it is started again however often it dies. */
const INTENSITY = 1_000_000

export interface CheckedStreamGroup extends Checked<typeof OWN_RULES> {
  readonly settings: StreamSettings
  readonly router: RouterOptions
  /** For the group of workers. */
  readonly group: Readonly<Record<string, unknown>>
}

/** @throws InvalidOptionError naming the option. */
export function checkStreamGroup(given: object | undefined): CheckedStreamGroup {
  const checked = checkOptions('StreamGroup', RULES, given)
  const values = (given ?? {}) as Record<string, unknown>
  const of = (rules: object): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(rules, name)))
  const { workers, maxWorkers, placement, outputs, store, maxCrashes, intensity } = checked
  return {
    ...{ workers, maxWorkers, placement, outputs, store, maxCrashes, intensity },
    settings: settingsOf(checked),
    router: of(ROUTER_RULES),
    group: {
      ...of(REST),
      ...{ replicas: workers, minReplicas: 1, maxReplicas: maxWorkers },
      // Two cannot read the messages of one slot.
      ...{ reload: 'replace', restart: 'permanent', intensity: intensity ?? INTENSITY },
    },
  }
}
