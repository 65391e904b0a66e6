import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Router } from '../../topic/router.ts'
import { discoverRouters, routersOf } from '../../topic/mqtt/discover-routers.ts'
import { WorkerManager } from '../../topic/mqtt/worker-manager.ts'
import type { WorkerManagerOptions } from '../../topic/mqtt/manager-options.ts'
import { wrongUsage } from '../failure.ts'

/** The router of a file, or those of a directory as one. */
export async function routerAt(path: string): Promise<Router<string>> {
  if (isDirectory(path)) return discoverRouters(path)
  const [router, ...others] = await routersOf(path)
  if (others.length === 0) return router!
  throw wrongUsage(
    `${path} exports ${others.length + 1} routers; export one that includes the others, new Router().include(...)`,
  )
}

/** Whoever runs that router in worker processes. */
export async function managerAt(path: string, options: WorkerManagerOptions): Promise<WorkerManager> {
  if (isDirectory(path)) return new WorkerManager(undefined, { ...options, routerDirectory: path })
  const router = await routerAt(path)
  return new WorkerManager(router, { ...options, module: pathToFileURL(resolve(path)).href })
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
