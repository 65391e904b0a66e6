import { Buffer, isUtf8 } from 'node:buffer'

const REPLACEMENT = '\uFFFD'

/**
 * The text of a payload.
 * @throws Error when it is not UTF-8: nothing is replaced in silence.
 */
export function utf8Text(payload: Uint8Array): string {
  const bytes = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const text = bytes.toString('utf8')
  // The replacement may have been sent as such; only where it turns up need the bytes be looked at.
  if (text.includes(REPLACEMENT) && !isUtf8(bytes)) {
    throw new Error(`the ${bytes.length} bytes of the payload are not UTF-8`)
  }
  return text
}
