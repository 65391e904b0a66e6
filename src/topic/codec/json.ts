import { InvalidPayloadError } from '../../core/errors.ts'
import type { Codec } from './codec.ts'
import { utf8Text } from './utf8.ts'

const BYTE_ORDER_MARK = 0xfeff

/** JSON in UTF-8; a byte order mark before it is passed over. */
export const json: Codec = {
  name: 'json',
  contentTypes: ['application/json', 'text/json', '+json'],
  encode(value) {
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) return text
    throw new InvalidPayloadError(`expected what is published to be JSON, got: ${typeof value}`)
  },
  decode(payload) {
    const text = utf8Text(payload)
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text) as unknown
  },
}
