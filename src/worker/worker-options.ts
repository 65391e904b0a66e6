import { InvalidOptionError, show } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

export interface WorkerOptions {
  /** Names the worker in logs, events and the server. Default: its class and a number, `Mailer-1`. */
  readonly name?: string
  /** Default: a logger on standard error. A pino logger fits. */
  readonly logger?: Logger
}

/** @throws InvalidOptionError when options is not an object, or name or logger cannot be one. */
export function checkWorkerOptions(options: unknown): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidOptionError(
      'options',
      `expected the options of a worker to be an object, got: ${show(options)}`,
    )
  }
  const { name, logger } = options as Record<string, unknown>
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new InvalidOptionError('name', `expected name to be a text that is not empty, got: ${show(name)}`)
  }
  if (logger !== undefined && typeof Reflect.get(Object(logger), 'child') !== 'function') {
    throw new InvalidOptionError(
      'logger',
      `expected logger to be a logger such as pino's, with child(), got: ${show(logger)}`,
    )
  }
}
