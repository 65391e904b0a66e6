import { InvalidOptionError, show } from '../../core/errors.ts'
import type { Codec } from './codec.ts'

/** A library of a binary format, as most of them are: `@msgpack/msgpack`, `msgpackr`, `cborg`, `cbor-x`. */
export interface BinaryLibrary {
  encode(value: unknown): Uint8Array
  decode(payload: Uint8Array): unknown
}

/**
 * MessagePack, by a library of your choice:
 *
 *     import * as library from '@msgpack/msgpack'
 *     new Router({ codecs: [msgpack(library)] })
 *
 * @throws InvalidOptionError when it has no `encode` and `decode`.
 */
export function msgpack(library: BinaryLibrary): Codec {
  const contentTypes = ['application/msgpack', 'application/vnd.msgpack', 'application/x-msgpack', '+msgpack']
  return binary('msgpack', contentTypes, library)
}

/**
 * CBOR, by a library of your choice: `cbor(await import('cborg'))`.
 * @throws InvalidOptionError when it has no `encode` and `decode`.
 */
export function cbor(library: BinaryLibrary): Codec {
  return binary('cbor', ['application/cbor', '+cbor'], library)
}

function binary(name: string, contentTypes: readonly string[], library: BinaryLibrary): Codec {
  if (typeof library?.encode !== 'function' || typeof library.decode !== 'function') {
    throw new InvalidOptionError(
      'library',
      `expected the library of ${name} to have the functions encode and decode, got: ${show(library)}`,
    )
  }
  return {
    name,
    contentTypes,
    encode: (value) => library.encode(value),
    decode: (payload) => library.decode(payload),
  }
}
