import { extname, join, resolve } from 'node:path'
import { builtin } from '../../core/builtin.ts'
import { MillhandError, toError } from '../../core/errors.ts'
import { loadModule, MODULE_EXTENSIONS } from '../../core/load-module.ts'
import { Router } from '../router.ts'

/** Left out: `_shared.ts`, `.hidden.ts`, declarations and tests. */
const LEFT_OUT = /^[._]|\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]s$|^node_modules$/

/**
 * The routers that the files of a directory and of the folders in it export, as one. Files are loaded in the order of
 * their paths; what begins with `_` or `.`, tests and declarations are left alone.
 * @throws MillhandError MODULE_LOAD with file and line for a file that cannot be loaded, exports no router, or only
 * one without routes; NOT_FOUND for a directory that is not there, or has no such file; InvalidOptionError naming the
 * files of two routes with the same filter.
 */
export async function discoverRouters(directory: string): Promise<Router<string>> {
  const files = filesIn(resolve(directory), directory)
  if (files.length === 0) {
    throw notFound(`${directory} has no file with a router in it (looked for ${MODULE_EXTENSIONS.join(' ')})`)
  }
  const all: Router<string> = new Router()
  const owners = new Map<string, string>()
  for (const file of files) {
    const routers = await routersOf(file)
    for (const router of routers) include(all, router, file, owners)
  }
  return all
}

/**
 * The routers that a file exports, each once, also from arrays and plain objects.
 * @throws MillhandError MODULE_LOAD with file and line when it cannot be loaded, or exports no router with routes.
 */
export async function routersOf(file: string): Promise<Router<string>[]> {
  const exports = await loadModule(file)
  const found = new Set(Object.values(exports).flatMap(inside))
  const routers = [...found].filter((value) => value instanceof Router)
  if (routers.length === 0) throw unusable(file, exports)
  if (routers.every((router) => router.routes().length === 0)) {
    throw new MillhandError('MODULE_LOAD', `${file}: its router has no routes; add them with router.on(...)`)
  }
  return routers
}

function include(
  all: Router<string>,
  router: Router<string>,
  file: string,
  owners: Map<string, string>,
): void {
  try {
    all.include(router)
  } catch (thrown) {
    const error = toError(thrown)
    const other = router
      .routes()
      .map(({ mqttFilter }) => owners.get(mqttFilter))
      .find(Boolean)
    const beside = other === undefined || other === file ? '' : ` (the other one is in ${other})`
    throw new MillhandError('MODULE_LOAD', `${file}: ${error.message}${beside}`, { cause: thrown })
  }
  for (const { mqttFilter } of router.routes()) owners.set(mqttFilter, file)
}

function filesIn(path: string, shown: string): string[] {
  const entries = entriesOf(path, shown).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    if (LEFT_OUT.test(entry.name)) return []
    const [child, name] = [join(path, entry.name), join(shown, entry.name)]
    if (entry.isDirectory()) return filesIn(child, name)
    return MODULE_EXTENSIONS.includes(extname(entry.name)) ? [name] : []
  })
}

function entriesOf(path: string, shown: string): import('node:fs').Dirent[] {
  try {
    return builtin.fs.readdirSync(path, { withFileTypes: true })
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT') throw notFound(`there is no directory of routers ${shown} (looked for ${path})`)
    if (code === 'ENOTDIR') throw notFound(`${shown} is a file; expected the directory of the routers`)
    throw new MillhandError(
      'MODULE_LOAD',
      `cannot read the directory of routers ${shown}: ${toError(thrown).message}`,
      {
        cause: thrown,
      },
    )
  }
}

function inside(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return [value]
  return Object.values(value)
}

function unusable(file: string, exports: Readonly<Record<string, unknown>>): MillhandError {
  const names = Object.keys(exports)
  const list = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  const wayOut = Object.values(exports).some(looksForeign)
    ? 'its router is of another copy of millhand; one installed copy must serve both'
    : `write \`export const router = new Router()\` there, or begin its name with _ when it is not meant to have one`
  return new MillhandError('MODULE_LOAD', `${file}: exports no router, ${list}; ${wayOut}`)
}

function looksForeign(value: unknown): boolean {
  return typeof value === 'object' && value !== null && value.constructor.name === 'Router'
}

function notFound(message: string): MillhandError {
  return new MillhandError('NOT_FOUND', message)
}
