import { builtin } from '../../core/builtin.ts'
import { MillhandError, show, toError } from '../../core/errors.ts'
import { Worker } from '../worker.ts'
import type { WorkerClass } from './runner.ts'

/**
 * Finds a class of workers in the file that exports it.
 * @throws MillhandError MODULE_LOAD with what to do.
 */
export async function loadClass(module: string, className: string): Promise<WorkerClass> {
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = (await import(module)) as Record<string, unknown>
  } catch (thrown) {
    throw new MillhandError('MODULE_LOAD', explain(pathOf(module), className, toError(thrown)), {
      cause: thrown,
    })
  }
  const found = exports[className] ?? Object.values(exports).find((each) => isNamed(each, className))
  if (isWorkerClass(found)) return found
  throw new MillhandError('MODULE_LOAD', notFound(pathOf(module), className, exports, found))
}

function explain(file: string, className: string, error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  const [reason = ''] = error.message.split('\n')
  const what = `cannot load ${file} for ${className}: ${error.name}: ${reason}`
  if (code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${file}'`)) {
    return `${what}; expected static module to be import.meta.url in the file that exports ${className}`
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `${what}${placeOf(error)}; Node leaves types out and compiles nothing: write plain syntax (erasableSyntaxOnly in tsconfig.json helps), or place the compiled file`
  }
  if (error.name !== 'SyntaxError') return what
  return `${what}${placeOf(error) || `; node --check ${file} shows where, unless it is in a file that this one imports`}`
}

/** Where the syntax of TypeScript is wrong; of JavaScript, Node tells nobody but the terminal. */
function placeOf({ stack = '' }: Error): string {
  const [first = ''] = stack.split('\n')
  return /:\d+$/.test(first) ? ` at ${first}` : ''
}

function notFound(
  file: string,
  className: string,
  exports: Readonly<Record<string, unknown>>,
  found: unknown,
): string {
  const names = Object.keys(exports)
  const list = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  if (found === undefined) {
    return `${file} does not export a class ${className}, ${list}; write \`export class ${className} ...\` there, and let its static module be import.meta.url of that file`
  }
  return typeof found === 'function' && looksForeign(found)
    ? `${className} of ${file} extends a Worker of another copy of millhand; one installed copy must serve both`
    : `${className} of ${file} is not a class that extends Worker, got: ${show(found)}`
}

function isNamed(value: unknown, className: string): boolean {
  return typeof value === 'function' && value.name === className
}

function isWorkerClass(value: unknown): value is WorkerClass {
  return typeof value === 'function' && value.prototype instanceof Worker
}

function looksForeign(value: object): boolean {
  for (let each: unknown = value; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    if (each.name === 'Worker') return true
  }
  return false
}

function pathOf(module: string): string {
  return module.startsWith('file:') ? builtin.url.fileURLToPath(module) : module
}
