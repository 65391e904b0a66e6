import { once } from 'node:events'
import { isMainThread } from 'node:worker_threads'
import { loggerDefaults, type Logger, type LogLevel } from '../../core/logger.ts'
import { checkEveryMs } from '../placement/stall-watch.ts'
import { startBeside } from './helper-thread.ts'

export interface WatchdogOptions {
  /** A loop that is blocked for so long is told of, ms; it is seen within twice that. */
  readonly stallMs: number
  /** `log`: a line on standard error, with the place in the code. `kill`: then SIGKILL to this process, too. */
  readonly onStall: 'log' | 'kill'
  /** Told when there can be no watchdog. Where it would not write an error, the watchdog writes none. */
  readonly logger: Logger
}

export interface Watchdog {
  /** Resolves when its thread has ended. */
  stop(): Promise<void>
}

/** What the thread of a watchdog is given. */
export interface Watched {
  /** See BEATS and STOPPED. */
  readonly shared: Int32Array
  readonly stallMs: number
  readonly everyMs: number
  readonly onStall: 'log' | 'kill'
  readonly canSample: boolean
  readonly level: LogLevel
  readonly format: 'pretty' | 'json'
}

/** Places of the shared array. The loop counts at BEATS; the thread ends when STOPPED is not 0. */
export const BEATS = 0
export const STOPPED = 1

/**
 * Watches the event loop of this thread from another one. A loop that is blocked cannot tell so itself, answers no
 * signal, and would go on like that for ever.
 */
export function startWatchdog({ stallMs, onStall, logger }: WatchdogOptions): Watchdog {
  const shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  const everyMs = checkEveryMs(stallMs)
  const { level, format } = loggerDefaults()
  const watched: Watched = {
    ...{ shared, stallMs, everyMs, onStall, format },
    // In other threads it would show the stack of the main one.
    canSample: isMainThread,
    level: logger.isLevelEnabled?.('error') === false ? 'silent' : level,
  }
  const beat = setInterval(() => Atomics.add(shared, BEATS, 1), everyMs).unref()
  let isStopped = false
  const thread = startBeside('watchdog', watched, (error) => {
    clearInterval(beat)
    if (isStopped) return
    logger.warn({ err: error }, 'no watchdog: a blocked event loop of this process will not be told of')
  })
  return {
    stop: async () => {
      clearInterval(beat)
      if (isStopped || thread === undefined || thread.threadId < 0) return
      isStopped = true
      thread.ref()
      Atomics.store(shared, STOPPED, 1)
      Atomics.notify(shared, STOPPED)
      await once(thread, 'exit')
    },
  }
}
