import type { Emitter } from '../../core/events.ts'
import { createLogger } from '../../core/logger.ts'
import type { WorkerEvents } from '../../core/telemetry.ts'
import { defaultName } from '../name.ts'
import { checkWorkerOptions, type WorkerOptions } from '../worker-options.ts'
import { checkPlacedClass, isPlacedClass } from './placed-worker.ts'
import type { CheckedPlacement } from './placement-options.ts'
import { openProcess } from './process.ts'
import { RemoteRunner } from './remote-runner.ts'
import type { Runner, WorkerClass } from './runner.ts'
import { openThread } from './thread.ts'

/**
 * @returns what makes a runner of the class in its placement, as often as one is needed.
 * @throws InvalidOptionError when that can never work.
 */
export function makeRunner(
  workerClass: WorkerClass,
  options: (object & WorkerOptions) | undefined,
  settings: CheckedPlacement,
  events: Emitter<WorkerEvents>,
): () => Runner {
  if (!isPlacedClass(workerClass)) {
    // One name for all that are made: it stands for the place, not for the instance.
    const name = options?.name ?? defaultName(workerClass.name)
    return () => {
      const worker = new workerClass({ ...options, name } as never)
      worker.events.pipe(events)
      return worker
    }
  }
  checkWorkerOptions(options)
  const module = checkPlacedClass(workerClass)
  const { name = defaultName(workerClass.name), logger = createLogger(), ...own } = options ?? {}
  const common = { name, logger, settings, events, module, options: own }
  const { placement, name: className } = workerClass
  const open = placement === 'thread' ? openThread : openProcess
  return () => new RemoteRunner({ ...common, placement, className, open })
}
