import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidPayloadError } from '../../../src/core/errors.ts'
import { encodedBytes, jsonCodec } from '../../../src/queue/codec.ts'

function refusal(value: unknown): InvalidPayloadError {
  try {
    jsonCodec.encode(value)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidPayloadError)
    return error as InvalidPayloadError
  }
  throw new Error('expected the value to be refused')
}

describe('the JSON codec', () => {
  it('gives back every JSON value as it was', () => {
    // A negative zero is the one number that JSON cannot write.
    const value = fc.jsonValue().filter((json) => !JSON.stringify(json).includes('-0'))
    fc.assert(
      fc.property(value, (json) => {
        expect(jsonCodec.decode(jsonCodec.encode(json))).toEqual(JSON.parse(JSON.stringify(json)))
      }),
    )
  })

  it('gives back texts of any characters, lone surrogates and NUL included', () => {
    const survives = (text: string): boolean => jsonCodec.decode(jsonCodec.encode(text)) === text
    fc.assert(fc.property(fc.string({ unit: 'binary' }), survives))
    expect(survives('\uD800\u0000')).toBe(true)
  })

  it('decodes bytes as well as text', () => {
    expect(jsonCodec.decode(new TextEncoder().encode('{"a":"é"}'))).toEqual({ a: 'é' })
  })

  const bad: [string, unknown, string][] = [
    ['a bigint', 1n, 'a bigint'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['NaN', Number.NaN, 'NaN'],
    ['Infinity', -Infinity, '-Infinity'],
    ['a Map', new Map([[1, 2]]), 'a Map'],
    ['a Set', new Set([1]), 'a Set'],
    ['a Promise', Promise.resolve(1), 'await missing'],
    ['an Error', new RangeError('x'), 'an Error'],
    ['bytes', new Uint8Array(2), 'a Uint8Array'],
    ['a Buffer, although it has a toJSON', Buffer.from('ab'), 'a Buffer'],
    ['an ArrayBuffer', new ArrayBuffer(2), 'an? ArrayBuffer'],
    ['a regular expression', /x/, 'a RegExp'],
    ['an invalid Date', new Date(Number.NaN), 'an invalid Date'],
  ]
  it.each(bad)('refuses %s and says where it is', (_, value, what) => {
    expect(refusal(value).message).toMatch(new RegExp(`the payload to be JSON, got: ${what}|await missing`))
    const deep = refusal({ user: { emails: ['ok', value] } })
    expect(deep.message).toContain('payload.user.emails[1]')
    expect(deep.issues).toEqual([{ path: 'user.emails[1]', message: expect.stringMatching(what) as unknown }])
  })

  it('finds the bad value wherever it is', () => {
    const path = fc.array(fc.oneof(fc.nat(3), fc.stringMatching(/^[a-z]{1,5}$/)), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(path, (keys) => {
        let value: unknown = 1n
        let text = ''
        for (const key of keys.toReversed()) {
          value = typeof key === 'number' ? [...Array<number>(key).fill(0), value] : { [key]: value }
        }
        for (const key of keys) text += typeof key === 'number' ? `[${key}]` : text === '' ? key : `.${key}`
        expect(refusal(value).issues[0]?.path).toBe(text)
      }),
    )
  })

  it('refuses undefined, alone and in an array, but leaves undefined properties out', () => {
    expect(refusal(undefined).message).toContain('got: undefined')
    expect(refusal([1, undefined]).issues[0]?.path).toBe('[1]')
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what it is about
    expect(refusal([, 1]).issues[0]?.path).toBe('[0]')
    expect(jsonCodec.encode({ a: undefined, b: 1 })).toBe('{"b":1}')
  })

  it('refuses a cycle, but takes the same object twice', () => {
    const cycle: Record<string, unknown> = { name: 'a' }
    cycle['self'] = { again: [cycle] }
    expect(refusal(cycle).issues[0]).toEqual({ path: 'self.again[0]', message: 'a cycle' })
    const shared = { x: 1 }
    expect(jsonCodec.decode(jsonCodec.encode({ a: shared, b: shared }))).toEqual({ a: shared, b: shared })
  })

  it('refuses what is nested without end', () => {
    let value: unknown = 'deep'
    for (let depth = 0; depth < 300; depth++) value = { value }
    expect(refusal(value).message).toContain('nested more than 200 deep')
  })

  it('honours toJSON, and reports one that throws or gives what JSON cannot hold', () => {
    expect(jsonCodec.encode(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"')
    expect(jsonCodec.encode({ at: new URL('https://example.org/x') })).toBe('{"at":"https://example.org/x"}')
    const throwing = { toJSON: () => { throw new Error('not today') } } // prettier-ignore
    expect(refusal(throwing).message).toContain('not today')
    expect(refusal({ toJSON: () => 1n }).message).toMatch(/BigInt/)
    expect(refusal({ toJSON: () => undefined }).message).toContain('expected the payload to be JSON')
  })

  it('reports a getter that throws', () => {
    const hostile = { get secret(): string { throw new Error('locked') } } // prettier-ignore
    expect(refusal({ hostile }).message).toContain('locked')
  })

  it('looks only at what JSON would write: not at inherited members', () => {
    const prototype = { greet: () => 'hi' }
    expect(jsonCodec.encode(Object.assign(Object.create(prototype) as object, { a: 1 }))).toBe('{"a":1}')
  })
})

describe('encodedBytes', () => {
  it('is exact above the limit, and never above it when the text is not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, limit) => {
        const bytes = Buffer.byteLength(text)
        const answer = encodedBytes(text, limit)
        if (bytes > limit) expect(answer).toBe(bytes)
        else expect(answer).toBeLessThanOrEqual(limit)
      }),
    )
    expect(encodedBytes(new Uint8Array(7), 3)).toBe(7)
  })
})
