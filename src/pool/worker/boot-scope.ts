import { StateError } from '../../core/errors.ts'

let module: string | undefined

/** From now on this worker loads the module of its pool; `undefined` when it has done so. */
export function enterBoot(loaded: string | undefined): void {
  module = loaded
}

/**
 * A file that exports functions and also makes the pool for them would start workers in its workers, for ever.
 * @throws StateError with the way out.
 */
export function refusePoolInBoot(wanted: string): void {
  if (module !== wanted) return
  throw new StateError(
    `a pool of ${wanted} was made while a worker of that pool loaded it: put the functions into a file of their ` +
      'own, or make the pool only if (import.meta.main)',
  )
}
