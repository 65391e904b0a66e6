import type { Encoded } from '../../queue/job.ts'
import type { SqliteValue } from './client.ts'

/**
 * Payloads and results are kept as they are: text as text, bytes as a blob. SQLite's text is UTF-8, which has
 * no lone surrogates; text that has some is kept as the bytes of its UTF-16, and the column `utf16` says so.
 */
export const PAYLOAD_UTF16 = 1
export const RESULT_UTF16 = 2

/** What to bind for it. Text comes back as bytes exactly when its UTF-16 has to be kept. */
export function stored(encoded: Encoded): string | Uint8Array {
  return typeof encoded === 'string' && !encoded.isWellFormed() ? Buffer.from(encoded, 'utf16le') : encoded
}

export function unstored(value: SqliteValue, utf16: boolean): Encoded {
  if (typeof value === 'string') return value
  const bytes = value as Uint8Array
  if (utf16) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le')
  // A driver may give a Buffer; who gets it should not have to care.
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes
}

export function isUtf16(flags: SqliteValue | undefined, flag: number): boolean {
  return typeof flags === 'number' && (flags & flag) !== 0
}
