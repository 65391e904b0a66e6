import { InvalidPayloadError, show } from '../../core/errors.ts'
import type { Codec } from './codec.ts'
import { utf8Text } from './utf8.ts'

/** UTF-8 text as a string. */
export const text: Codec = {
  name: 'text',
  contentTypes: ['text/plain', 'text/*'],
  encode(value) {
    if (typeof value === 'string') return value
    throw new InvalidPayloadError(`expected what is published as text to be a string, got: ${show(value)}`)
  },
  decode: utf8Text,
}
