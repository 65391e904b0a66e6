import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InvalidOptionError, show, StateError } from '../core/errors.ts'
import { callerUrl } from './caller.ts'

/**
 * The module of a pool as a URL: a path may be relative to the file that makes the pool.
 * @throws InvalidOptionError when it is no module; StateError when that file cannot be told.
 */
export function resolveModule(module: unknown): string {
  if (module instanceof URL) return module.href
  if (typeof module !== 'string' || module === '') {
    throw new InvalidOptionError('module', `expected module to be a URL or a path, got: ${show(module)}`)
  }
  if (/^(?:file|data):/.test(module)) return module
  if (isAbsolute(module)) return pathToFileURL(module).href
  const caller = callerUrl()
  if (caller !== undefined) return new URL(module, caller).href
  throw new StateError(
    `expected module to be a URL, got: ${module}; write new URL('${module}', import.meta.url)`,
  )
}
