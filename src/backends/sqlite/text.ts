import type { Encoded } from '../../queue/job.ts'
import type { SqliteValue } from './client.ts'

/**
 * Payloads and results are kept as they are: text as text, bytes as a blob. SQLite's text is UTF-8, which has no lone
 * surrogates, and the driver of Node 22 reads it up to a NUL; text that has either is kept as the bytes of its UTF-16,
 * and the column `utf16` says so.
 */
export const PAYLOAD_UTF16 = 1
export const RESULT_UTF16 = 2

/** Whether it can be bound as it is. */
export function isBindable(encoded: Encoded): boolean {
  return typeof encoded === 'string' ? encoded.isWellFormed() && !encoded.includes('\0') : encoded.length > 0
}

/** What to bind for it. Text comes back as bytes exactly when its UTF-16 has to be kept. */
export function stored(encoded: Encoded): string | Uint8Array {
  if (isBindable(encoded)) return encoded
  return typeof encoded === 'string' ? Buffer.from(encoded, 'utf16le') : NO_BYTES
}

/** The driver of Node 22 makes NULL of an array without memory of its own. */
const NO_BYTES = new Uint8Array(1).subarray(1)

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
