import { fileURLToPath } from 'node:url'

/** Of the repository. */
export const ROOT = new URL('../', import.meta.url)
export const BENCH = new URL('./', import.meta.url)
/** What is measured: bundled as for the package, but here, since dist/ may be built again meanwhile. */
export const BUILD = new URL('.tmp/bench/build/', ROOT)
/** What Node has compiled for earlier processes. */
export const CACHE = new URL('.tmp/bench/cache/', ROOT)
/** Files of the runs, on the disk of the checkout: a system's /tmp may be kept in memory, where a sync costs nothing. */
export const DATA = new URL('.tmp/bench/data/', ROOT)

export function pathOf(url: URL): string {
  return fileURLToPath(url)
}
