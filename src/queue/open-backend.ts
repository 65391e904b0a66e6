import { InvalidOptionError, show } from '../core/errors.ts'
import type { Backend } from './backend.ts'
import { backendUrl, type Scheme } from './backend-url.ts'

/** A backend and its driver are loaded when their URL is asked for, and only then. */
const LOADERS: Readonly<Record<Scheme, () => Promise<{ fromUrl(url: string): Backend }>>> = {
  memory: async () => {
    const { memory } = await import('../backends/memory/index.ts')
    return { fromUrl: () => memory() }
  },
  sqlite: () => import('../backends/sqlite/index.ts'),
  redis: () => import('../backends/redis/index.ts'),
  rediss: () => import('../backends/redis/index.ts'),
  postgres: () => import('../backends/postgres/index.ts'),
  postgresql: () => import('../backends/postgres/index.ts'),
}

/**
 * The backend that a URL names: `memory:`, `sqlite:jobs.db`, `sqlite:/var/lib/jobs.db?durability=normal`,
 * `redis://localhost:6379/0`, `postgres://localhost/app`, or a plain path that ends in `.db`, `.sqlite` or
 * `.sqlite3`. For configuration and the command line; in code, `sqlite('jobs.db')` from `millhand/sqlite` says the
 * same, and so do `redis` and `postgres`.
 *
 * Resolves when the backend is loaded; like any backend, it opens its store at the first call.
 * @throws InvalidOptionError for a URL that names no backend. What may be a password in it is never shown.
 */
export async function openBackend(url: string): Promise<Backend> {
  if (typeof url !== 'string' || url === '') {
    throw new InvalidOptionError('url', `expected url to be the URL of a backend, got: ${show(url)}`)
  }
  const { scheme, url: complete } = backendUrl(url)
  const backend = await LOADERS[scheme]()
  return backend.fromUrl(complete)
}
