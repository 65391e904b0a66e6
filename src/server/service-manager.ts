import { builtin } from '../core/builtin.ts'
import type { Emitter } from '../core/events.ts'
import type { Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import type { ServerEvents } from './server-events.ts'

/** What one message may take. `systemd-notify` itself waits for up to 5 s until the service manager has read it. */
const NOTIFY_TIMEOUT_MS = 6000
/** The service manager drops a message above 4,096 bytes; this leaves room whatever the text is made of. */
const MAX_STATUS = 500
/** WATCHDOG_USEC below that would have this process do little else than start `systemd-notify`. */
const MIN_PING_MS = 100

export interface NotifyOptions {
  /** Where its own troubles go, once. */
  readonly logger: Logger
  /** When false, the watchdog is not fed any more, so that the service manager starts the service again. */
  readonly isLive: () => boolean
  /** Where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read. Default: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/**
 * Tells systemd, or whoever else set NOTIFY_SOCKET, what becomes of a server: ready, reloading, stopping, unhealthy,
 * and that it is alive. Node has no datagram sockets of that kind, so `systemd-notify` is what sends; where it is
 * missing, that is logged once and nothing else happens. The messages go out one after the other, in order.
 * Without NOTIFY_SOCKET it does nothing. Never throws.
 *
 * https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 *
 * @returns the function that ends it, and resolves when the last message is out; that takes seconds at most.
 */
export function notifyServiceManager(
  events: Emitter<ServerEvents>,
  options: NotifyOptions,
): () => Promise<void> {
  const environment = options.environment ?? process.env
  if (!environment['NOTIFY_SOCKET']) return () => Promise.resolve()
  const line = new NotifyLine(environment, options.logger)
  const status = (text: string): Promise<void> => line.send(`STATUS=${oneLine(text)}`)
  const ends = [
    events.on('ready', ({ workers }) => line.send('READY=1', `STATUS=running ${count(workers)}`)),
    events.on('reloading', ({ workers }) =>
      line.send(
        'RELOADING=1',
        `MONOTONIC_USEC=${monotonicUs()}`,
        `STATUS=replacing ${count(workers)}, one by one`,
      ),
    ),
    events.on('quiet', ({ isQuiet }) => status(isQuiet ? 'quiet: takes no new work' : 'takes work again')),
    events.on('unhealthy', ({ worker, error }) =>
      status(`unhealthy: worker ${worker} failed for good: ${error.message}`),
    ),
    events.on('stopping', ({ reason }) =>
      line.send('STOPPING=1', `STATUS=${oneLine(`stopping: ${reason}`)}`),
    ),
    feedWatchdog(line, environment, options),
  ]
  return () => {
    for (const end of ends) end()
    return line.close()
  }
}

/** Messages to the service manager, each sent when the one before it has arrived. */
class NotifyLine {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #logger: Logger
  #last: Promise<void> = Promise.resolve()
  #hasFailed = false
  #isClosed = false

  constructor(environment: Readonly<Record<string, string | undefined>>, logger: Logger) {
    this.#environment = environment
    this.#logger = logger
  }

  /** Resolves when it was sent, or could not be. */
  send(...assignments: readonly string[]): Promise<void> {
    this.#last = this.#last.then(() => this.#notify(assignments))
    return this.#last
  }

  /** Waits for what is under way, and not for much of it when nobody reads it. */
  async close(): Promise<void> {
    if (!(await settledWithin(this.#last, NOTIFY_TIMEOUT_MS))) this.#isClosed = true
  }

  /** Never rejects. The sender that systemd sees is the parent of systemd-notify, or itself where it may not say so. */
  #notify(assignments: readonly string[]): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      const settled = (error: Error | null): void => {
        if (error !== null) this.#failed(error)
        resolve()
      }
      const env = this.#environment as NodeJS.ProcessEnv
      try {
        builtin.childProcess.execFile(
          'systemd-notify',
          [...assignments],
          { env, timeout: NOTIFY_TIMEOUT_MS },
          settled,
        )
      } catch (error) {
        // No memory or no file handle left to start anything with.
        settled(error as Error)
      }
    })
  }

  #failed(error: Error): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = isMissing
      ? 'there is no command systemd-notify (Debian has it in the package systemd)'
      : 'systemd-notify failed'
    this.#logger.warn({ err: error }, `NOTIFY_SOCKET is set, but the service manager is told nothing: ${why}`)
  }
}

/** Says that it is alive, twice in the time that the service manager allows. */
function feedWatchdog(
  line: NotifyLine,
  environment: Readonly<Record<string, string | undefined>>,
  { isLive, logger }: NotifyOptions,
): () => void {
  const timeoutMs = Number(environment['WATCHDOG_USEC'] ?? Number.NaN) / 1000
  if (!(timeoutMs > 0)) return () => {}
  const pid = environment['WATCHDOG_PID']
  if (pid !== undefined && pid !== String(process.pid)) {
    const message = `the watchdog of the service manager waits for process ${pid}: let ExecStart name node itself`
    logger.warn({ pid: process.pid }, message)
    return () => {}
  }
  let isUnderWay = false
  const feed = async (): Promise<void> => {
    // Where the service manager does not read, pings would pile up.
    if (isUnderWay || !isLive()) return
    isUnderWay = true
    await line.send('WATCHDOG=1')
    isUnderWay = false
  }
  const timer = setInterval(() => void feed(), Math.max(MIN_PING_MS, timeoutMs / 2))
  timer.unref()
  return () => clearInterval(timer)
}

/** Lines are what messages are made of: a line feed in a text would begin a message of its own. */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ')
  return line.length > MAX_STATUS ? `${line.slice(0, MAX_STATUS - 1).replace(/\p{Cs}$/u, '')}…` : line
}

function count(workers: number): string {
  return `${workers} ${workers === 1 ? 'worker' : 'workers'}`
}

/** The clock that systemd compares with: CLOCK_MONOTONIC, which is what this is on Linux. */
function monotonicUs(): bigint {
  return process.hrtime.bigint() / 1000n
}
