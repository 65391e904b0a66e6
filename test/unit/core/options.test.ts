import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import {
  boolean,
  checkOptions,
  custom,
  duration,
  integer,
  nearest,
  number,
  oneOf,
  optional,
  string,
} from '../../../src/core/options.ts'

const rules = {
  concurrency: integer({ min: 1, max: 100, default: 5 }),
  ratio: number({ min: 0, default: 0.5 }),
  lease: duration({ default: '30s', min: '1s' }),
  paused: boolean(false),
  label: optional(string()),
  mode: oneOf(['fixed', 'adaptive'], 'fixed'),
  onDone: custom<() => void>(
    'a function',
    (value) => typeof value === 'function',
    () => () => {},
  ),
}
const check = (given: unknown) => checkOptions('Thing', rules, given)

describe('options', () => {
  test('come out complete, in their units, and frozen', () => {
    const checked = check({ lease: '2m', label: 'x' })
    expect(checked).toMatchObject({
      concurrency: 5,
      ratio: 0.5,
      lease: 120_000,
      paused: false,
      label: 'x',
      mode: 'fixed',
    })
    expect(Object.isFrozen(checked)).toBe(true)
    expect(check(undefined).label).toBeUndefined()
    expect(check({ concurrency: undefined }).concurrency).toBe(5)
  })

  test.each([
    [{ concurrency: 0 }, 'expected concurrency to be an integer from 1 to 100, got: 0'],
    [{ concurrency: '5' }, 'expected concurrency to be an integer from 1 to 100, got: "5"'],
    [{ concurrency: 1.5 }, 'expected concurrency to be an integer'],
    [{ concurrency: null }, 'got: null'],
    [{ ratio: Number.NaN }, 'expected ratio to be a number of at least 0, got: NaN'],
    [{ ratio: -0.1 }, 'expected ratio to be a number of at least 0'],
    [{ lease: '1ms' }, 'expected lease to be a duration of at least 1s'],
    [{ paused: 'no' }, 'expected paused to be true or false, got: "no"'],
    [{ label: '' }, 'expected label to be a text that is not empty'],
    [{ mode: 'adaptiv' }, "did you mean 'adaptive'?"],
    [{ mode: 5 }, "expected mode to be 'fixed' or 'adaptive', got: 5"],
    [{ onDone: 1 }, 'expected onDone to be a function, got: 1'],
    [{ concurency: 5 }, 'unknown Thing option "concurency"; did you mean "concurrency"?'],
    [{ zzz: 5 }, 'unknown Thing option "zzz"; known are: concurrency, ratio'],
    [{ toString: 5 }, 'unknown Thing option "toString"'],
    ['text', 'expected the options of Thing to be an object, got: "text"'],
    [[], 'expected the options of Thing to be an object'],
    [null, 'expected the options of Thing to be an object, got: null'],
  ])('%j is refused', (given, message) => {
    expect(() => check(given)).toThrow(InvalidOptionError)
    expect(() => check(given)).toThrow(message)
  })
})

describe('the nearest name', () => {
  test('is a likely misspelling, never a mere resemblance', () => {
    const known = ['concurrency', 'lease', 'retry']
    expect(nearest('concurency', known)).toBe('concurrency')
    expect(nearest('LEASE', known)).toBe('lease')
    expect(nearest('rety', known)).toBe('retry')
    expect(nearest('banana', known)).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })

  test('is found in spite of any one changed letter of a longer word', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.constantFrom('x', '', 'qq'), (at, by) => {
        const word = 'concurrency'
        expect(nearest(word.slice(0, at) + by + word.slice(at + 1), ['lease', word, 'mode'])).toBe(word)
      }),
    )
  })
})
