import { InvalidPayloadError, toError } from '../../core/errors.ts'
import type { TopicMessage } from '../message.ts'
import { bytes } from './bytes.ts'
import type { Codec } from './codec.ts'
import { json } from './json.ts'
import { text } from './text.ts'

/** Senders make up content types without end; no more are remembered. */
const MAX_KNOWN = 1000

/** Chooses codecs by content type: those given first, then JSON, text and bytes. */
export class Codecs {
  readonly #codecs: readonly Codec[]
  readonly #byType = new Map<string, Codec>()
  #lastType: string | undefined
  #last: Codec = json

  constructor(own: readonly Codec[] = []) {
    this.#codecs = [...own, json, text, bytes]
  }

  /**
   * @param forced the codec of the route, where it has one.
   * @throws InvalidPayloadError when no codec is known for its content type, or the bytes are not what it says.
   */
  decode(message: TopicMessage, forced: Codec | undefined): unknown {
    const { contentType } = message.properties
    const codec = forced ?? this.#of(contentType)
    try {
      return codec.decode(message.payload)
    } catch (cause) {
      const { length } = message.payload
      throw new InvalidPayloadError(
        `the payload of ${length} bytes to "${message.topic}" is not ${codec.name}: ${toError(cause).message}`,
        [],
        { cause },
      )
    }
  }

  /**
   * @param forced the codec where no content type is given. Default: text and bytes as they are, all else as JSON.
   * @throws InvalidPayloadError when no codec is known for the content type, or it cannot say the value.
   */
  encode(
    value: unknown,
    contentType: string | undefined,
    forced: Codec | undefined,
  ): { readonly payload: Uint8Array | string; readonly contentType: string | undefined } {
    if (contentType !== undefined) return { payload: this.#of(contentType).encode(value), contentType }
    const codec = forced ?? defaultFor(value)
    return { payload: codec.encode(value), contentType: codec.contentTypes[0] }
  }

  /** Messages of one sender mostly say the same. */
  #of(contentType: string | undefined): Codec {
    if (contentType === this.#lastType) return this.#last
    const codec = contentType === undefined || contentType === '' ? json : this.#find(contentType)
    this.#lastType = contentType
    this.#last = codec
    return codec
  }

  #find(contentType: string): Codec {
    const known = this.#byType.get(contentType)
    if (known !== undefined) return known
    const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
    const suffix = type.slice(type.lastIndexOf('+'))
    const family = `${type.split('/', 1)[0]}/*`
    const codec =
      this.#taking(type) ??
      (suffix.startsWith('+') ? this.#taking(suffix) : undefined) ??
      this.#taking(family)
    if (codec === undefined) {
      const names = this.#codecs.map(({ name }) => name).join(', ')
      throw new InvalidPayloadError(
        `no codec is known for the content type "${contentType}"; known are: ${names}`,
      )
    }
    if (this.#byType.size < MAX_KNOWN) this.#byType.set(contentType, codec)
    return codec
  }

  #taking(type: string): Codec | undefined {
    return this.#codecs.find(({ contentTypes }) => contentTypes.includes(type))
  }
}

function defaultFor(value: unknown): Codec {
  if (typeof value === 'string') return text
  return value instanceof Uint8Array ? bytes : json
}
