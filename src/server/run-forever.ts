import { ShutdownError, toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { KillCause } from '../core/telemetry.ts'
import type { Emitter } from '../core/events.ts'
import type { ServerEvents } from './server-events.ts'
import { listenFor, listenForSignals } from './signals.ts'
import { listenForUncaught } from './uncaught.ts'

/** What a process that exists for a server needs of it. */
export interface Supervised {
  readonly logger: Logger
  readonly exitOnUncaught: boolean
  readonly watchdog: 'log' | 'kill' | 'off'
  readonly watchdogThreshold: number
  readonly events: Emitter<ServerEvents>
  start(): Promise<void>
  /** Bounded: ends when all workers have ended or were killed. */
  stop(): Promise<void>
  /** Kills all workers at once and cuts a stop short. Bounded. */
  kill(cause: KillCause): Promise<void>
  quiet(): void
  resume(): void
  reload(): Promise<void>
  isLive(): boolean
  /** Resolves when no worker is alive or about to be started again. */
  ended(): Promise<void>
  /** How its workers ended, by name. */
  outcome(): { readonly failed: readonly string[]; readonly killed: readonly string[] }
}

/**
 * Runs a server until a signal stops it, its workers have all ended, or an exception nobody caught ends it.
 * @returns the exit code: 0, or 1 when a worker failed. When workers had to be killed, code may still be running
 * that would keep the process alive, so it is ended here, with 1.
 */
export async function runForever(server: Supervised): Promise<number> {
  const signalled = Promise.withResolvers<void>()
  const crashed = Promise.withResolvers<'crashed'>()
  const releases = [
    keepAlive(),
    stopOnSignals(server, signalled.resolve),
    steerBySignals(server),
    ...(server.exitOnUncaught ? [killOnUncaught(server, () => crashed.resolve('crashed'))] : []),
  ]
  let end: 'crashed' | boolean
  try {
    end = await Promise.race([live(server, signalled.promise), crashed.promise])
  } finally {
    for (const release of releases) release()
  }
  const { failed, killed } = server.outcome()
  if (end === 'crashed' || killed.length > 0) process.exit(1)
  const code = end && failed.length === 0 ? 0 : 1
  if (code !== 0)
    server.logger.error({ failed }, 'the server ends with code 1: not all of its workers ended well')
  // Another server of this process may have failed before: a code that says so is kept.
  process.exitCode = process.exitCode === undefined ? code : process.exitCode || code
  return code
}

/** From start to stop. @returns false when it could not start. */
async function live(server: Supervised, signalled: Promise<void>): Promise<boolean> {
  let isStopping = false
  void signalled.then(() => {
    isStopping = true
  })
  try {
    await server.start()
  } catch (error) {
    if (!isStopping) {
      server.logger.error({ err: toError(error) }, 'the server could not start')
      return false
    }
  }
  await Promise.race([signalled, server.ended(), stopping(server.events)])
  await server.stop()
  return true
}

function stopOnSignals(server: Supervised, onFirst: () => void): () => void {
  let count = 0
  return listenForSignals((signal) => {
    if (++count === 1) {
      server.logger.info({ signal }, `${signal}: stopping; once more to kill`)
      onFirst()
      void server.stop()
    } else {
      server.logger.warn({ signal }, `${signal} again: killing what has not ended`)
      void server.kill({ kind: 'signal', error: new ShutdownError(`killed by a second signal (${signal})`) })
    }
  })
}

/** Resolves when somebody stops the server, or it stops itself. */
function stopping(events: Emitter<ServerEvents>): Promise<void> {
  return new Promise((resolve) => {
    const off = events.on('stopping', () => {
      off()
      resolve()
    })
  })
}

/** SIGTSTP: no new work. SIGCONT: again. SIGHUP: rolling reload. */
function steerBySignals(server: Supervised): () => void {
  const { logger } = server
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

function killOnUncaught(server: Supervised, onKilled: () => void): () => void {
  let isFirst = true
  return listenForUncaught((thrown) => {
    const error = toError(thrown)
    server.logger.error({ err: error }, 'an exception that nobody caught: the process ends')
    if (!isFirst) return
    isFirst = false
    // Called right here, where AsyncLocalStorage still knows whose code threw.
    void server.kill({ kind: 'uncaught', error }).then(onKilled)
  })
}

/** A worker that waits for nothing but its signal would otherwise let the process end under it. */
function keepAlive(): () => void {
  const timer = setInterval(() => {}, 2 ** 30)
  return () => clearInterval(timer)
}
