import { builtin } from '../../core/builtin.ts'
import { MillhandError } from '../../core/errors.ts'
import { Router } from '../router.ts'
import { discoverRouters, routersOf } from './discover-routers.ts'

/** Where a worker process finds the routes of its group. */
export interface RouterSource {
  /** The file that exports the router, as a URL or path, and the filters of that router: a file may have several. */
  readonly module?: { readonly file: string; readonly filters: readonly string[] }
  /** The directory of the routers. */
  readonly directory?: string
}

/**
 * The router of a group, with all its routes.
 * @throws MillhandError MODULE_LOAD, NOT_FOUND with file and line.
 */
export async function loadRouter({ module, directory }: RouterSource): Promise<Router<string>> {
  const own = module === undefined ? undefined : await routerIn(module)
  if (directory === undefined) return own ?? new Router()
  const found = await discoverRouters(directory)
  return own === undefined ? found : new Router().include(own).include(found)
}

async function routerIn({ file, filters }: NonNullable<RouterSource['module']>): Promise<Router<string>> {
  const path = file.startsWith('file:') ? builtin.url.fileURLToPath(file) : file
  const routers = await routersOf(path)
  const same = routers.filter((router) => filtersOf(router).join('\n') === filters.join('\n'))
  const [router] = same
  if (router !== undefined) return router
  throw new MillhandError(
    'MODULE_LOAD',
    `${path}: exports no router with the ${filters.length} routes of the manager's (${filters.slice(0, 3).join(', ')}...); ` +
      'let module be import.meta.url of the file that exports that router, and add all routes while it is loaded',
  )
}

export function filtersOf(router: Router<string>): string[] {
  return router.routes().map(({ mqttFilter }) => mqttFilter)
}
