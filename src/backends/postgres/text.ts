import type { Encoded } from '../../queue/job.ts'

/**
 * Text of Postgres is UTF-8 without NUL. A name, id or such that is more than that, or that has a backslash, is kept as
 * JSON would write it, without the quotes; every other is kept as it is. So two names are never kept as one.
 */
const UNUSUAL = /[\0\\]|\p{Surrogate}/u

export function escaped(text: string): string {
  return UNUSUAL.test(text) ? JSON.stringify(text).slice(1, -1) : text
}

export function unescaped(text: string): string {
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** How a payload or result is kept in its column of text. Null: as it is. */
const BYTES = 1
const UTF16 = 2

export interface Kept {
  readonly text: string
  readonly form: number | null
  /** Its own size, where that is not the size of the text. */
  readonly bytes: number | null
}

export function kept(encoded: Encoded): Kept {
  if (typeof encoded !== 'string') {
    const { buffer, byteOffset, byteLength } = encoded
    const text = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
    return { text, form: BYTES, bytes: byteLength }
  }
  if (!encoded.includes('\0') && encoded.isWellFormed()) return { text: encoded, form: null, bytes: null }
  const text = Buffer.from(encoded, 'utf16le').toString('base64')
  return { text, form: UTF16, bytes: Buffer.byteLength(encoded) }
}

export function unkept(text: string, form: number | null): Encoded {
  if (form === null) return text
  const bytes = Buffer.from(text, 'base64')
  // Of a pool that others have a part of: theirs is not to be reached.
  return form === UTF16 ? bytes.toString('utf16le') : new Uint8Array(bytes)
}

export function bytesOf(encoded: Encoded): number {
  return typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.byteLength
}
