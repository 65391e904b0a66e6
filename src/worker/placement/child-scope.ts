import { StateError } from '../../core/errors.ts'
import type { Placement } from '../status.ts'

/** What this thread or process exists for, when a runner started it. */
export interface ChildScope {
  readonly placement: Exclude<Placement, 'inline'>
  readonly name: string
  readonly className: string
  readonly module: string
}

let scope: ChildScope | undefined
/** The class that may be instantiated here, at the moment when it is. */
let making: unknown

export function childScope(): ChildScope | undefined {
  return scope
}

export function enterChild(child: ChildScope): void {
  scope = child
}

/** Instantiates the class of this child. */
export function makeHere<T>(workerClass: new (options: never) => T, options: object): T {
  making = workerClass
  try {
    return new workerClass(options as never)
  } finally {
    making = undefined
  }
}

export function isMadeHere(workerClass: unknown): boolean {
  return making === workerClass
}

/**
 * A file that defines a worker and also runs one would start itself in its own child, for ever.
 * @throws StateError in a child, with the way out.
 */
export function refuseInChild(what: string): void {
  if (scope === undefined) return
  throw new StateError(
    `${what} was reached in the ${scope.placement} of worker ${scope.name}, which loads ${scope.module} only for ` +
      `its class ${scope.className}: put the class in a file of its own, or run the server only ` +
      'if (import.meta.main) or from another file',
  )
}
