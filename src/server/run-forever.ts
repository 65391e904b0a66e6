import { ShutdownError, toError } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import type { Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause } from '../core/telemetry.ts'
import { startWatchdog } from '../worker/watchdog/watchdog.ts'
import { ignoreClosedOutput } from './closed-output.ts'
import type { ServerEvents } from './server-events.ts'
import { notifyServiceManager } from './service-manager.ts'
import { listenFor, listenForSignals } from './signals.ts'
import { listenForUncaught } from './uncaught.ts'

/** What a process that exists for a server needs of it. */
export interface Steered {
  readonly events: Emitter<ServerEvents>
  readonly isLive: boolean
  start(): Promise<void>
  /** Bounded: ends when all workers have ended or were killed. */
  stop(): Promise<void>
  /** Kills all workers at once and cuts a stop short. Bounded. */
  kill(cause: KillCause): Promise<void>
  quiet(): void
  resume(): void
  reload(): Promise<void>
}

export interface ForeverOptions {
  readonly logger: Logger
  readonly exitOnUncaught: boolean
  readonly watchdog: 'log' | 'kill' | 'off'
  readonly watchdogThreshold: number
  /** Resolves when no worker is alive or about to be started again. */
  ended(): Promise<void>
  /** How its workers ended, by name. */
  outcome(): { readonly failed: readonly string[]; readonly killed: readonly string[] }
}

/** What telling the service manager of the end may take when the process is to end at once. */
const FAREWELL_MS = 1000

/**
 * Runs a server until a signal stops it, its workers have all ended, or an exception nobody caught ends it.
 * @returns the exit code: 0, or 1 when a worker failed. When workers had to be killed, code may still be running
 * that would keep the process alive, so it is ended here, with 1.
 */
export async function runForever(server: Steered, options: ForeverOptions): Promise<number> {
  const { logger } = options
  const signalled = Promise.withResolvers<void>()
  const crash = killOnUncaught(server, options)
  const watchdog = startWatch(options)
  const farewell = notifyServiceManager(server.events, { logger, isLive: () => server.isLive })
  const releases = [
    keepAlive(),
    ignoreClosedOutput(logger),
    stopOnSignals(server, logger, signalled.resolve),
    steerBySignals(server, logger),
    () => crash.release(),
  ]
  let hasStarted: boolean
  try {
    // Code that throws where nobody catches may also hang: then only the crash is over.
    hasStarted = await Promise.race([live(server, options, signalled.promise), crash.over])
    if (crash.isCrashed()) await crash.over
  } finally {
    for (const release of releases) release()
  }
  const { failed, killed } = options.outcome()
  const told = Promise.all([farewell(), watchdog?.stop()])
  if (crash.isCrashed() || killed.length > 0) {
    await settledWithin(told, FAREWELL_MS)
    process.exit(1)
  }
  await told
  const code = hasStarted && failed.length === 0 ? 0 : 1
  if (code !== 0) logger.error({ failed }, 'the server ends with code 1: not all of its workers ended well')
  // Another server of this process may have failed before: a code that says so is kept.
  process.exitCode = process.exitCode === undefined ? code : process.exitCode || code
  return code
}

/** From start to stop. @returns false when it could not start. */
async function live(server: Steered, options: ForeverOptions, signalled: Promise<void>): Promise<boolean> {
  const stopping = Promise.withResolvers<void>()
  let isStopping = false
  const onStop = (): void => {
    isStopping = true
    stopping.resolve()
  }
  // Whoever stops it, itself included.
  const off = server.events.on('stopping', onStop)
  void signalled.then(onStop)
  try {
    await server.start()
    await Promise.race([stopping.promise, options.ended()])
    await server.stop()
    return true
  } catch (error) {
    if (!isStopping) options.logger.error({ err: toError(error) }, 'the server could not start')
    return isStopping
  } finally {
    off()
  }
}

function startWatch({
  watchdog,
  watchdogThreshold,
  logger,
}: ForeverOptions): { stop(): Promise<void> } | undefined {
  if (watchdog === 'off') return undefined
  return startWatchdog({ stallMs: watchdogThreshold, onStall: watchdog, logger })
}

function stopOnSignals(server: Steered, logger: Logger, onFirst: () => void): () => void {
  let count = 0
  return listenForSignals((signal) => {
    if (++count === 1) {
      logger.info({ signal }, `${signal}: stopping; once more to kill`)
      onFirst()
      void server.stop()
    } else {
      logger.warn({ signal }, `${signal} again: killing what has not ended`)
      void server.kill({ kind: 'signal', error: new ShutdownError(`killed by a second signal (${signal})`) })
    }
  })
}

/** SIGTSTP: no new work. SIGCONT: again. SIGHUP: rolling reload. */
function steerBySignals(server: Steered, logger: Logger): () => void {
  return listenFor({
    SIGTSTP: () => {
      logger.info({}, 'SIGTSTP: no new work is taken; SIGCONT resumes')
      server.quiet()
    },
    SIGCONT: () => server.resume(),
    SIGHUP: () => {
      logger.info({}, 'SIGHUP: reloading the workers, one at a time')
      server.reload().then(
        () => logger.info({}, 'reloaded'),
        (thrown: unknown) => logger.error({ err: toError(thrown) }, 'the reload was given up'),
      )
    },
  })
}

interface Crash {
  isCrashed(): boolean
  /** Resolves when something has crashed and the workers had their time to save what they can. */
  readonly over: Promise<false>
  release(): void
}

function killOnUncaught(server: Steered, { logger, exitOnUncaught }: ForeverOptions): Crash {
  let isCrashed = false
  const over = Promise.withResolvers<false>()
  const onUncaught = (thrown: unknown): void => {
    const error = toError(thrown)
    logger.error({ err: error }, 'an exception that nobody caught: the process ends')
    if (isCrashed) return
    isCrashed = true
    // Called right here, where AsyncLocalStorage still knows whose code threw.
    void server.kill({ kind: 'uncaught', error }).then(() => over.resolve(false))
  }
  return {
    isCrashed: () => isCrashed,
    over: over.promise,
    release: exitOnUncaught ? listenForUncaught(onUncaught) : () => {},
  }
}

/** A worker that waits for nothing but its signal would otherwise let the process end under it. */
function keepAlive(): () => void {
  const timer = setInterval(() => {}, 2 ** 30)
  return () => clearInterval(timer)
}
