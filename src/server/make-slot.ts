import { InvalidOptionError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { WorkerHandle } from '../worker/handle.ts'
import { PLACEMENT_RULES, type PlacementOptions } from '../worker/placement/placement-options.ts'
import type { AnyWorker, WorkerClass } from '../worker/placement/runner.ts'
import { Slot } from './slot.ts'
import { SUPERVISION_RULES, type SupervisionOptions } from './supervision-options.ts'

/** Options that only a thread or process can have: inline code shares everything with its server. */
const OUTSIDE_ONLY = ['stallThreshold', 'onStall', 'execArgv', 'env', 'resourceLimits', 'maxMemory'] as const

/**
 * A place for a worker, or for those that are made of a class.
 * @throws InvalidOptionError naming the option.
 */
export function makeSlot(
  target: AnyWorker | WorkerClass,
  options: object | undefined,
  supervision: SupervisionOptions | undefined,
  onOversized: (slot: Slot, cause: Error) => void,
): Slot {
  const checked = checkOptions('Server.add', SUPERVISION_RULES, supervision)
  const given = Object.entries(supervision ?? {}).filter(([name]) => Object.hasOwn(PLACEMENT_RULES, name))
  const placement = Object.fromEntries(given) as PlacementOptions
  const handle = new WorkerHandle(target as WorkerClass, options, placement)
  if (handle.placement === 'inline') refuseOutsideOptions(handle.name, supervision)
  return new Slot(
    handle,
    {
      restart: checked.restart,
      stopTimeoutMs: checked.stopTimeout,
      reload: checked.reload ?? (handle.isReplaceable ? 'surge' : 'replace'),
      maxMemory: checked.maxMemory,
    },
    onOversized,
  )
}

function refuseOutsideOptions(name: string, supervision: SupervisionOptions | undefined): void {
  const option = OUTSIDE_ONLY.find((each) => supervision?.[each] !== undefined)
  if (option === undefined) return
  throw new InvalidOptionError(
    option,
    `expected ${option} only for a worker in a thread or process, got it for ${name}, which runs inline: ` +
      'let its class extend ThreadWorker or ProcessWorker',
  )
}
