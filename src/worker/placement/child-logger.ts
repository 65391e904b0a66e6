import type { Logger } from '../../core/logger.ts'
import { pack, type LogLine } from './protocol.ts'

/** Writes through the logger on the other side, so that the lines of a child look like all others. */
export function childLogger(post: (message: LogLine) => void, isDebug: boolean, bound: object = {}): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void =>
      post({ kind: 'log', level, fields: pack({ ...bound, ...fields }) as object, message })
  return {
    debug: isDebug ? at('debug') : () => {},
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => childLogger(post, isDebug, { ...bound, ...fields }),
    isLevelEnabled: (level) => level !== 'debug' || isDebug,
  }
}
