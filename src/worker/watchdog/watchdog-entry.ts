/** The thread of a watchdog. It sleeps until it looks, and does nothing else while the loop is well. */
import { workerData } from 'node:worker_threads'
import { createLogger } from '../../core/logger.ts'
import { sampleMainThread } from './main-stack.ts'
import { Standstill } from './standstill.ts'
import { BEATS, STOPPED, type Watched } from './watchdog.ts'

const { shared, stallMs, everyMs, onStall, canSample, level, format } = workerData as Watched
const logger = createLogger({ level, format })
const watch = new Standstill(stallMs, everyMs, performance.now())
let isTold = false

while (Atomics.load(shared, STOPPED) === 0) {
  Atomics.wait(shared, STOPPED, 0, everyMs)
  const beats = Atomics.load(shared, BEATS)
  const sight = watch.look(beats, performance.now())
  if (sight === undefined) continue
  const forMs = Math.round(sight.forMs)
  // Looks go one after the other: what is done here is about this very stall.
  // oxlint-disable-next-line no-await-in-loop
  if (sight.kind === 'stalled') isTold = await tell(beats, forMs)
  else if (isTold) logger.warn({ forMs }, 'the event loop of this process runs again')
}

/** @returns false when somebody holds the process in a debugger, which is no stall. */
async function tell(beats: number, forMs: number): Promise<boolean> {
  const sample = canSample ? await sampleMainThread() : undefined
  if (sample?.isDebugged === true) return false
  // A call of native code may have returned while it was waited for: then it shows where the loop went on.
  const isBlocked = Atomics.load(shared, BEATS) === beats
  const isKilled = isBlocked && onStall === 'kill'
  logger.error(
    { forMs, stack: isBlocked ? sample?.stack : undefined },
    `the event loop of this process is blocked${isKilled ? ': the process is killed' : ''}`,
  )
  if (isKilled) process.kill(process.pid, 'SIGKILL')
  return true
}
