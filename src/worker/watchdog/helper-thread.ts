import { Worker as Thread } from 'node:worker_threads'
import { toError } from '../../core/errors.ts'

const isSource = import.meta.url.endsWith('.ts')

/** Small: it holds a session of the inspector at times, and nothing else. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 }

/**
 * Starts a thread beside the loop of this process, which never keeps the process alive. Flags and hooks that are
 * meant for the program are not its own.
 * @param onFailure called when it cannot be started or fails, as in a bundle without its file.
 */
export function startBeside(
  entry: 'watchdog' | 'guard',
  workerData: object,
  onFailure: (error: Error) => void,
): Thread | undefined {
  // Spelled out, so that the names of files can be found.
  const file = { watchdog: './watchdog-entry', guard: './guard-entry' }[entry]
  try {
    const thread = new Thread(new URL(`${file}${isSource ? '.ts' : '.js'}`, import.meta.url), {
      ...{ name: entry, workerData, resourceLimits, env: {}, execArgv: [] },
    })
    thread.on('error', (thrown) => onFailure(toError(thrown)))
    thread.unref()
    return thread
  } catch (thrown) {
    onFailure(toError(thrown))
    return undefined
  }
}
