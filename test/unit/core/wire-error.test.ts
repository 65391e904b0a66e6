import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BackendError, InvalidOptionError, MillhandError, WorkerExitError } from '../../../src/core/errors.ts'
import { errorFromWire, errorToWire } from '../../../src/core/wire-error.ts'

/** The way to another process, which takes less than the way to a thread. */
function cross(thrown: unknown): Error {
  return errorFromWire(deserialize(serialize(errorToWire(thrown))) as ReturnType<typeof errorToWire>)
}

describe('an error that crosses to another thread or process', () => {
  test.each([
    new InvalidOptionError('size', 'expected size to be positive'),
    new BackendError('BACKEND_UNAVAILABLE', 'gone', { retryable: true }),
    new WorkerExitError('ended', { exitCode: 3 }),
    new MillhandError('SHUTDOWN', 'over'),
    new RangeError('too far'),
    new URIError('odd'),
    Object.assign(new Error('no such file'), { code: 'ENOENT', errno: -2, path: '/x' }),
  ])('arrives with its class, message, stack and fields: %o', (error) => {
    const copy = cross(error)
    expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(error))
    expect(copy).toBeInstanceOf(Error)
    expect([copy.name, copy.message, copy.stack]).toEqual([error.name, error.message, error.stack])
    expect({ ...copy }).toEqual({ ...error })
    expect(String(copy)).toBe(String(error))
  })

  test('is one of ours still when its class is not known here', () => {
    class MqttError extends MillhandError {}
    const copy = cross(new MqttError('SHUTDOWN', 'over'))
    expect(copy).toBeInstanceOf(MillhandError)
    expect(copy).toMatchObject({ name: 'MqttError', code: 'SHUTDOWN', message: 'over' })
  })

  test('keeps the name of a class that is not known here', () => {
    class MailError extends Error {
      override name = 'MailError'
      readonly server = { host: 'mx' }
    }
    const copy = cross(new MailError('refused'))
    expect([copy.constructor, copy.name, String(copy)]).toEqual([Error, 'MailError', 'MailError: refused'])
    expect(copy).toMatchObject({ server: { host: 'mx' } })
    // As it was there: a field of a class is one of the keys.
    expect(Object.keys(copy).toSorted()).toEqual(['name', 'server'])
  })

  test('keeps its causes, whatever they are', () => {
    const root = new RangeError('root')
    const copy = cross(new Error('top', { cause: new MillhandError('CONFIG', 'middle', { cause: root }) }))
    expect(copy.cause).toBeInstanceOf(MillhandError)
    expect((copy.cause as Error).cause).toBeInstanceOf(RangeError)
    expect(cross(new Error('top', { cause: { at: new Date(5) } })).cause).toEqual({ at: new Date(5) })
    expect(cross(new Error('top', { cause: () => {} })).cause).toBe('function cause')
    expect(cross(new Error('top'))).not.toHaveProperty('cause')
  })

  test('ends a circle of causes', () => {
    const [a, b] = [new Error('a'), new Error('b')]
    a.cause = b
    b.cause = a
    let depth = 0
    for (let each: unknown = cross(a); each instanceof Error; each = each.cause) depth++
    expect(depth).toBe(9)
  })

  test('keeps the errors of an AggregateError, up to a hundred', () => {
    const copy = cross(new AggregateError([new TypeError('one'), 'two'], 'both')) as AggregateError
    expect(copy).toBeInstanceOf(AggregateError)
    expect(copy.errors).toEqual([new TypeError('one'), 'two'])
    const many = cross(new AggregateError(Array.from({ length: 1000 }, () => 1))) as AggregateError
    expect(many.errors).toHaveLength(100)
  })

  test('says in a text what of its fields cannot be copied', () => {
    const copy = cross(
      Object.assign(new Error('x'), {
        socket: { on: () => {} },
        call: () => {},
        at: new Date(1),
        shared: new SharedArrayBuffer(1),
      }),
    )
    expect(copy).toMatchObject({ at: new Date(1), socket: '{}' })
    expect(copy).not.toHaveProperty('call')
    expect(typeof (copy as { shared?: unknown }).shared).toBe('string')
  })

  test('keeps the number of a DOMException', () => {
    const copy = cross(new DOMException('aborted', 'AbortError'))
    expect(copy).toMatchObject({ name: 'AbortError', message: 'aborted', code: 20 })
  })

  test.each([
    ['undefined', undefined],
    ['a text', 'broke'],
    ['an object', { message: 'like an error' }],
    [
      'a proxy',
      new Proxy(new Error('x'), {
        get: () => {
          throw new Error('no')
        },
      }),
    ],
    [
      'an error whose message throws',
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('no')
        },
      }),
    ],
    [
      'an error whose field throws',
      Object.defineProperty(new Error('x'), 'code', {
        enumerable: true,
        get: () => {
          throw new Error('no')
        },
      }),
    ],
    ['an error with a name of its own kind', Object.assign(new Error('x'), { name: Symbol('odd') })],
    ['an error whose name is a method', Object.assign(new Error('x'), { name: 'constructor' })],
    ['an error named like something that is no error', Object.assign(new Error('x'), { name: 'Object' })],
  ])('is an error also when it was %s', (_what, thrown) => {
    const copy = cross(thrown)
    expect(copy).toBeInstanceOf(Error)
    expect(typeof copy.stack).toBe('string')
  })

  test('loses nothing of what JSON can say', () => {
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (message, fields) => {
        const error = new Error(message)
        for (const [key, value] of Object.entries(fields)) {
          Object.defineProperty(error, key, { value, enumerable: true, writable: true, configurable: true })
        }
        const copy = cross(error)
        for (const key of Object.keys(fields)) {
          if (['cause', 'errors'].includes(key)) continue
          expect((copy as unknown as Record<string, unknown>)[key]).toEqual(fields[key])
        }
      }),
    )
  })
})
