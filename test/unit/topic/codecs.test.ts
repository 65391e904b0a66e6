import * as messagePack from '@msgpack/msgpack'
import * as cborg from 'cborg'
import { describe, expect, it } from 'vitest'
import { cbor, msgpack } from '../../../src/topic/codec/binary.ts'
import { Codecs } from '../../../src/topic/codec/codecs.ts'
import { text } from '../../../src/topic/codec/text.ts'
import { messageOf } from './messages.ts'

const codecs = new Codecs([msgpack(messagePack), cbor(cborg)])
const decode = (
  payload: string | Uint8Array,
  contentType?: string,
  forced = undefined as typeof text | undefined,
) =>
  codecs.decode(
    messageOf('t', payload, { properties: contentType === undefined ? {} : { contentType } }),
    forced,
  )

describe('codecs', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['Application/JSON; charset=utf-8', '[1]', [1]],
    ['application/senml+json', '[]', []],
    ['text/plain', 'on', 'on'],
    ['text/csv', 'a,b', 'a,b'],
    ['application/msgpack', messagePack.encode({ a: [1] }), { a: [1] }],
    ['application/x-msgpack', messagePack.encode('x'), 'x'],
    ['application/cbor', cborg.encode({ a: 'ä' }), { a: 'ä' }],
    ['application/senml+cbor', cborg.encode([]), []],
    ['application/octet-stream', new Uint8Array([0, 255]), new Uint8Array([0, 255])],
    [undefined, '21.5', 21.5],
    ['', 'null', null],
    [undefined, '\ufeff{}', {}],
  ])('decode %s', (contentType, payload, value) => {
    const decoded = decode(payload, contentType)
    expect(decoded instanceof Uint8Array ? new Uint8Array(decoded) : decoded).toEqual(value)
  })

  it('take the codec of the route whatever the message says it is', () => {
    expect(decode('{', 'application/json', text)).toBe('{')
  })

  it.each([
    ['application/json', '', 'the payload of 0 bytes to "t" is not json'],
    ['application/json', new Uint8Array([0x22, 0xff, 0x22]), 'the 3 bytes of the payload are not UTF-8'],
    ['text/plain', new Uint8Array([0xc3]), 'the 1 bytes of the payload are not UTF-8'],
    ['application/cbor', new Uint8Array([0xff]), 'is not cbor'],
    ['application/msgpack', new Uint8Array([0xc1]), 'is not msgpack'],
    [
      'image/png',
      'x',
      'no codec is known for the content type "image/png"; known are: msgpack, cbor, json, text, bytes',
    ],
  ])('refuse as %s what it is not', (contentType, payload, message) => {
    expect(() => decode(payload, contentType)).toThrow(message)
    expect(() => decode(payload, contentType)).toThrow(expect.objectContaining({ code: 'INVALID_PAYLOAD' }))
  })

  it('let a replacement character pass that was sent as such, and 10 MB', () => {
    expect(decode('"\ufffd"')).toBe('\ufffd')
    expect(decode(`"${'ä'.repeat(5e6)}"`)).toHaveLength(5e6)
  })

  it('encode by content type, by the codec of the route, or by what the value is', () => {
    expect(codecs.encode({ a: 1 }, undefined, undefined)).toEqual({
      payload: '{"a":1}',
      contentType: 'application/json',
    })
    expect(codecs.encode('x', 'application/json', undefined).payload).toBe('"x"')
    expect(messagePack.decode(codecs.encode([1], 'application/msgpack', text).payload as Uint8Array)).toEqual(
      [1],
    )
    expect(codecs.encode('x', undefined, text)).toEqual({ payload: 'x', contentType: 'text/plain' })
    for (const [value, contentType] of [
      [1, 'text/plain'],
      [1, 'application/octet-stream'],
      [undefined, undefined],
    ] as const) {
      expect(() => codecs.encode(value, contentType, undefined)).toThrow('expected what is published')
    }
  })

  it('of binary formats need a library', () => {
    expect(() => msgpack({} as never)).toThrow(
      'expected the library of msgpack to have the functions encode and decode',
    )
  })
})
