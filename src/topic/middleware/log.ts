import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { isPromise, type Middleware } from '../handler.ts'

export interface LogOptions {
  /** Default: that of the worker. */
  readonly logger?: Logger
  /** Of what was handled. Failures are warnings. Default `'debug'`. */
  readonly level?: 'debug' | 'info'
}

/** Logs each message when it is handled or has failed, with its topic, route, size and time in ms. */
export function log({ logger: own, level = 'debug' }: LogOptions = {}): Middleware {
  return (context, next) => {
    const started = performance.now()
    const { topic, route, message } = context
    const logger = own ?? context.logger
    const fields = (): object => ({
      topic,
      route: route.filter,
      bytes: message.payload.length,
      durationMs: Math.round((performance.now() - started) * 1000) / 1000,
    })
    const handled = (): void => {
      if (logger.isLevelEnabled?.(level) !== false) logger[level](fields(), 'message handled')
    }
    const failed = (thrown: unknown): never => {
      logger.warn({ ...fields(), error: toError(thrown) }, 'message failed')
      throw thrown
    }
    let result: unknown
    try {
      result = next()
    } catch (error) {
      return failed(error)
    }
    if (isPromise(result)) return result.then(handled, failed)
    handled()
    return result
  }
}
