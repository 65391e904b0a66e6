import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BackendError,
  InvalidOptionError,
  MillhandError,
  NonRetryableError,
  show,
  toError,
} from '../../../src/core/errors.ts'

describe('errors', () => {
  test('have the name of their class, a code and a cause', () => {
    const cause = new Error('below')
    const error = new NonRetryableError('no', { cause })
    expect(error).toBeInstanceOf(MillhandError)
    expect([error.name, error.code, error.cause]).toEqual(['NonRetryableError', 'NON_RETRYABLE', cause])
    expect(new InvalidOptionError('lease', 'bad').option).toBe('lease')
  })

  test('of a backend may be retried when it is only unavailable, or when it says so', () => {
    expect(new BackendError('BACKEND_UNAVAILABLE', 'locked').retryable).toBe(true)
    expect(new BackendError('BACKEND_CORRUPT', 'broken').retryable).toBe(false)
    expect(new BackendError('BACKEND_UNAVAILABLE', 'gone', { retryable: false }).retryable).toBe(false)
  })
})

/** Objects that bite when they are looked at. */
const hostile: unknown[] = [
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('get')
      },
      has: () => {
        throw new Error('has')
      },
      getPrototypeOf: () => {
        throw new Error('proto')
      },
    },
  ),
  {
    get message(): string {
      throw new Error('message')
    },
  },
  { message: Symbol('no text') },
  { message: Object.create(null) as unknown },
  {
    message: 'm',
    toJSON: () => {
      throw new Error('json')
    },
  },
  {
    get [Symbol.toStringTag](): string {
      throw new Error('tag')
    },
    toJSON: () => {
      throw new Error('json')
    },
  },
  Object.create(null),
  Object.freeze(new Error('frozen')),
]

describe('anything thrown', () => {
  test('becomes an Error that says what it was', () => {
    const error = new TypeError('mine')
    expect(toError(error)).toBe(error)
    expect(toError(undefined).message).toBe('a value that is not an Error was thrown: undefined')
    expect(toError('text').message).toContain('"text"')
    expect(toError({ message: 'from afar', code: 5 })).toMatchObject({
      message: 'from afar',
      cause: { code: 5 },
    })
    expect(toError(Object.freeze(error))).toBe(error)
  })

  test('never throws itself, whatever it is given', () => {
    for (const value of hostile) {
      expect(toError(value)).toBeInstanceOf(Error)
      expect(typeof toError(value).message).toBe('string')
    }
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true }),
        (value) => {
          expect(toError(value)).toBeInstanceOf(Error)
        },
      ),
    )
  })
})

describe('any value shown', () => {
  test.each([
    ['text', '"text"'],
    [5n, '5n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [Symbol('s'), 'Symbol(s)'],
    [() => {}, 'function (anonymous)'],
    [{ a: [1] }, '{"a":[1]}'],
  ])('%s', (value, text) => {
    expect(show(value)).toBe(text)
  })

  test('is short text, and never throws, whatever it is given', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    for (const value of [...hostile, cycle, { big: 5n }]) expect(typeof show(value)).toBe('string')
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true }), (value) => {
        expect(show(value).length).toBeLessThanOrEqual(80)
      }),
    )
    expect(show('x'.repeat(200))).toHaveLength(80)
  })
})
