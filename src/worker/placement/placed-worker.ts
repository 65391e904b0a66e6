import { isAbsolute } from 'node:path'
import { InvalidOptionError, StateError, show } from '../../core/errors.ts'
import { Worker } from '../worker.ts'
import type { WorkerOptions } from '../worker-options.ts'
import { childScope, isMadeHere } from './child-scope.ts'
import type { Placement } from '../status.ts'

/** A worker whose whole life, constructor included, is in a thread or process. */
export abstract class PlacedWorker<
  Options extends object = object,
  Context extends object = Record<string, unknown>,
> extends Worker<Options, Context> {
  static readonly placement: Exclude<Placement, 'inline'>
  /** The file that exports the class: `static override module = import.meta.url`. Each class names its own. */
  static readonly module: string | undefined = undefined

  /** @throws StateError outside of its thread or process. */
  constructor(options?: Options & WorkerOptions) {
    if (!isMadeHere(new.target)) {
      const { name, placement } = new.target
      throw new StateError(
        `${name} is instantiated only in its ${placement}: add the class, server.add(${name}, options), ` +
          `or mind it yourself with new WorkerHandle(${name}, options)`,
      )
    }
    super(options)
  }
}

/** A class that extends ThreadWorker or ProcessWorker. */
export interface PlacedClass {
  readonly name: string
  readonly placement: Exclude<Placement, 'inline'>
  readonly module?: string | undefined
}

export function isPlacedClass(value: unknown): value is PlacedClass {
  return typeof value === 'function' && value.prototype instanceof PlacedWorker
}

/** @throws InvalidOptionError when a child could not find the class; StateError when it would start itself. */
export function checkPlacedClass(placed: PlacedClass): string {
  const { name, placement, module } = placed
  if (name === '') {
    throw new InvalidOptionError(
      'worker',
      `expected the class of a worker in a ${placement} to have a name, got an anonymous class; export it by name`,
    )
  }
  if (!Object.hasOwn(placed, 'module') || typeof module !== 'string' || module === '') {
    throw new InvalidOptionError(
      'module',
      `expected ${name} to say where its ${placement} finds it: static override module = import.meta.url`,
    )
  }
  if (!module.startsWith('file:') && !isAbsolute(module)) {
    throw new InvalidOptionError(
      'module',
      `expected the static module of ${name} to be import.meta.url, got: ${show(module)}`,
    )
  }
  const scope = childScope()
  if (scope !== undefined && scope.module === module) {
    throw new StateError(
      `${name} was about to be started by its own module in the ${scope.placement} of worker ${scope.name}: ` +
        'put the class in a file of its own, or start it only if (import.meta.main)',
    )
  }
  return module
}
