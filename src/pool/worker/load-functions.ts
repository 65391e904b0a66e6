import { fileURLToPath } from 'node:url'
import { MillhandError, toError } from '../../core/errors.ts'
import type { AnyFunction } from './executor.ts'

export interface PoolModule {
  readonly functions: ReadonlyMap<string, AnyFunction>
  readonly setup: ((data: unknown) => unknown) | undefined
  readonly teardown: (() => unknown) | undefined
}

/**
 * Imports the module of a pool: each function that it exports can be called; `setup` and `teardown` are its own.
 * @throws MillhandError MODULE_LOAD.
 */
export async function loadFunctions(module: string): Promise<PoolModule> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : module
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = (await import(module)) as Record<string, unknown>
  } catch (thrown) {
    const { name, message } = toError(thrown)
    throw new MillhandError('MODULE_LOAD', `cannot load ${file} for a pool: ${name}: ${message}`, {
      cause: thrown,
    })
  }
  const functions = new Map<string, AnyFunction>()
  for (const [name, value] of Object.entries({ ...namesOfDefault(exports), ...exports })) {
    if (typeof value === 'function') functions.set(name, value as AnyFunction)
  }
  const setup = functions.get('setup')
  const teardown = functions.get('teardown')
  functions.delete('setup')
  functions.delete('teardown')
  if (functions.size > 0) return { functions, setup, teardown }
  throw new MillhandError(
    'MODULE_LOAD',
    `${file} exports no function that a pool could call; write \`export function name(...) { ... }\``,
  )
}

/** A CommonJS module has its exports in its default export. */
function namesOfDefault(exports: Readonly<Record<string, unknown>>): object {
  const value = exports['default']
  return typeof value === 'object' && value !== null ? value : {}
}
