import type { Logger } from '../core/logger.ts'

/**
 * When nobody reads what this process prints (a closed pipe, a full disk), that costs the output, not the work: it
 * is logged once instead of ending the process.
 * @returns what takes the handlers away again, but for an output that has failed: it would fail again.
 */
export function ignoreClosedOutput(logger: Logger): () => void {
  const releases = [process.stdout, process.stderr].map((stream) => {
    let hasFailed = false
    const listener = (err: Error): void => {
      if (!hasFailed) logger.warn({ err, fd: stream.fd }, 'what is printed is lost: nobody takes the output')
      hasFailed = true
    }
    stream.on('error', listener)
    return () => hasFailed || stream.off('error', listener)
  })
  return () => {
    for (const release of releases) release()
  }
}
