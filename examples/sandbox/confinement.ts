import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How much of V8's heap a snippet may use, MB. Buffers do not count there: see MOST_MEMORY. */
export const HEAP_MB = 64
/** How much memory its process may use in all, bytes. An idle one has about 60 MB. */
export const MOST_MEMORY = 256 * 1024 * 1024

/**
 * Flags of Node for the process: it may read the code that it is made of, and nothing else; not write, start
 * processes or threads, or load native code.
 */
export function flags(): string[] {
  return [
    '--permission',
    ...readable().map((path) => `--allow-fs-read=${path}`),
    `--max-old-space-size=${HEAP_MB}`,
    // Above all it is the young generation that makes a process grow beyond its heap.
    '--max-semi-space-size=8',
  ]
}

/** The code of this example, of Millhand, and of what that imports; all of it is public. */
function readable(): string[] {
  const own = dirname(fileURLToPath(import.meta.url))
  const library = dirname(fileURLToPath(import.meta.resolve('millhand')))
  const croner = join(dirname(fileURLToPath(import.meta.resolve('croner'))), '..')
  return [`${own}/*`, `${library}/*`, join(library, '..', 'package.json'), `${croner}/*`]
}

/** What stands in the environment of this process, each as an empty text: no secret of it gets there. */
export function emptyEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.keys(process.env).map((name) => [name, '']))
}
