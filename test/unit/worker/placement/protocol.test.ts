import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidOptionError, MillhandError } from '../../../../src/core/errors.ts'
import {
  causeFromWire,
  causeToWire,
  pack,
  restartFromWire,
  restartToWire,
  unpack,
} from '../../../../src/worker/placement/protocol.ts'

const cross = (value: unknown): unknown => unpack(deserialize(serialize(pack(value))))

describe('a value that crosses', () => {
  test('keeps errors wherever they are in it', () => {
    const error = new InvalidOptionError('size', 'too big', { cause: new RangeError('9') })
    const copy = cross({ err: error, list: [{ error }] }) as { err: Error; list: [{ error: Error }] }
    for (const each of [copy.err, copy.list[0].error]) {
      expect(each).toBeInstanceOf(InvalidOptionError)
      expect(each).toMatchObject({ option: 'size', code: 'INVALID_OPTION', stack: error.stack })
      expect(each.cause).toBeInstanceOf(RangeError)
    }
  })

  test('keeps data of every kind', () => {
    const value = {
      at: new Date(1),
      map: new Map([[1, { a: 1n }]]),
      bytes: new Uint8Array([1]),
      none: undefined,
      nothing: null,
      deep: { a: [1, { b: 'x' }] },
    }
    expect(cross(value)).toEqual(value)
  })

  test('has texts in place of what cannot be copied', () => {
    class Client {
      readonly url = 'redis://x'
      readonly on = () => {}
    }
    expect(
      cross({ call: () => {}, symbol: Symbol('s'), client: new Client(), in: [Promise.resolve()] }),
    ).toEqual({
      call: 'function call',
      symbol: 'Symbol(s)',
      client: '{"url":"redis://x"}',
      in: ['{}'],
    })
  })

  test('may hold itself, often, without becoming large', () => {
    const value: Record<string, unknown> = { n: 1 }
    for (let n = 0; n < 50; n++) value[`self${n}`] = value
    expect(cross(value)).toMatchObject({ n: 1, self0: '[circular]', self49: '[circular]' })
    const twice = { a: 1 }
    expect(cross([twice, twice])).toEqual([twice, twice])
  })

  test('is cut off where it is very deep', () => {
    let value: unknown = 'bottom'
    for (let n = 0; n < 100; n++) value = { value }
    expect(JSON.stringify(cross(value))).toContain('[too deep]')
  })

  test('may throw when it is looked at: that costs the value, not the caller', () => {
    const value = {
      fine: 1,
      get odd(): never {
        throw new Error('no')
      },
    }
    expect(typeof pack(value)).toBe('string')
    expect(
      typeof pack(
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no')
            },
          },
        ),
      ),
    ).toBe('string')
  })

  test('arrives as it was, for all that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(cross(value)).toEqual(value)
      }),
    )
  })
})

test('the cause of a kill and of a restart cross whole', () => {
  const error = new MillhandError('WORKER_STALLED', 'blocked')
  expect(causeFromWire(causeToWire({ kind: 'stalled', error }))).toEqual({ kind: 'stalled', error })
  expect(restartFromWire(restartToWire({ cause: error, restarts: 2 }))).toEqual({ cause: error, restarts: 2 })
  expect(restartFromWire(restartToWire({ cause: undefined, restarts: 1 }))).toEqual({
    cause: undefined,
    restarts: 1,
  })
})
