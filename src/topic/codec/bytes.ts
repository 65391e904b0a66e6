import { InvalidPayloadError, show } from '../../core/errors.ts'
import type { Codec } from './codec.ts'

/** The bytes as they are. */
export const bytes: Codec = {
  name: 'bytes',
  contentTypes: ['application/octet-stream'],
  encode(value) {
    if (value instanceof Uint8Array) return value
    throw new InvalidPayloadError(
      `expected what is published as bytes to be a Uint8Array, got: ${show(value)}`,
    )
  },
  decode: (payload) => payload,
}
