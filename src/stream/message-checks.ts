import { InvalidOptionError, MillhandError, show } from '../core/errors.ts'
import { MAX_KEY_BYTES } from './frame.ts'

/** A character of a string takes at most so many bytes of UTF-8. */
const MOST_UTF8 = 3

/** What is wrong with a key, if anything. */
export function keyError(key: unknown): MillhandError | undefined {
  if (typeof key !== 'string' || key === '') {
    const hint = typeof key === 'number' || typeof key === 'bigint' ? '; use String(key)' : ''
    return new InvalidOptionError(
      'key',
      `expected key to be a text that is not empty, got: ${show(key)}${hint}`,
    )
  }
  if (key.length * MOST_UTF8 <= MAX_KEY_BYTES) return undefined
  const bytes = Buffer.byteLength(key)
  if (bytes <= MAX_KEY_BYTES) return undefined
  return new InvalidOptionError(
    'key',
    `expected key to have at most ${MAX_KEY_BYTES} bytes in UTF-8, it has ${bytes}: ${show(key.slice(0, 60))}`,
  )
}

/** What is wrong with a payload, if anything. */
export function dataError(key: string, data: unknown, maxMessageBytes: number): MillhandError | undefined {
  let bytes: number
  if (typeof data === 'string') {
    if (data.length * MOST_UTF8 <= maxMessageBytes) return undefined
    bytes = Buffer.byteLength(data)
  } else if (data instanceof Uint8Array) {
    bytes = data.length
  } else {
    const expected = `expected data of key ${show(key)} to be a text or a Uint8Array`
    return new InvalidOptionError('data', `${expected}, got: ${show(data)}`)
  }
  if (bytes <= maxMessageBytes) return undefined
  return new MillhandError(
    'PAYLOAD_TOO_LARGE',
    `expected data of key ${show(key)} to have at most maxMessageBytes (${maxMessageBytes}) bytes, it has ${bytes}`,
  )
}
