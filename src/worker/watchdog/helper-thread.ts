import { Worker as Thread } from 'node:worker_threads'
import { toError } from '../../core/errors.ts'

const isSource = import.meta.url.endsWith('.ts')

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
  const file = isSource ? `./${entry}-entry.ts` : `./${entry}-entry.js`
  try {
    const thread = new Thread(new URL(file, import.meta.url), {
      ...{ name: entry, workerData, env: {}, execArgv: [] },
    })
    thread.on('error', (thrown) => onFailure(toError(thrown)))
    thread.unref()
    return thread
  } catch (thrown) {
    onFailure(toError(thrown))
    return undefined
  }
}
