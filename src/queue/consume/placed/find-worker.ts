import { fileURLToPath } from 'node:url'
import { MillhandError, toError } from '../../../core/errors.ts'
import { EventWorker } from '../event-worker.ts'
import type { HandlerData } from './wire-job.ts'

/**
 * Finds the worker among what its module exports: the one for that queue, by its name where there are several.
 * @throws MillhandError MODULE_LOAD with what to do.
 */
export async function findWorker({ module, queue, worker, types }: HandlerData): Promise<EventWorker> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : module
  let exports: object
  try {
    exports = (await import(module)) as object
  } catch (thrown) {
    const { name, message } = toError(thrown)
    throw new MillhandError(
      'MODULE_LOAD',
      `cannot load ${file} for the handlers of ${worker}: ${name}: ${message}`,
      {
        cause: thrown,
      },
    )
  }
  const found = Object.values(exports).filter(
    (each): each is EventWorker => each instanceof EventWorker && each.queue.name === queue,
  )
  const same = found.filter((each) => types.every((type) => each.types().includes(type)))
  const named = same.filter(({ name }) => name === worker)
  const [first] = named.length > 0 ? named : same
  if (first !== undefined && (named.length === 1 || same.length === 1)) return first
  throw new MillhandError(
    'MODULE_LOAD',
    first === undefined
      ? `${file} exports no worker of queue "${queue}" with handlers for ${types.join(', ')}; write \`export const ... = ${queue}.worker({ ... })\` there, and let module be import.meta.url of that file`
      : `${file} exports ${same.length} workers of queue "${queue}" with these handlers; give each a name`,
  )
}
