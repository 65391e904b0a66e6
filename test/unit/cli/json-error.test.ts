import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonError } from '../../../src/cli/json-error.ts'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where a text stops being JSON', () => {
  test.each([
    ['', 1, 1, 'a value', ''],
    ['hello', 1, 1, 'a value', 'hello'],
    ["{'to':1}", 1, 2, 'a key in double quotes or }', "'to':1}"],
    ['{"to":ada}', 1, 7, 'a value', 'ada}'],
    ['{"a":1,}', 1, 8, 'a key in double quotes', '}'],
    ['[1,]', 1, 4, 'a value', ']'],
    ['[1 2]', 1, 4, ', or ]', '2]'],
    ['{"a":1', 1, 7, ', or }', ''],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, ', or }', '"b": 2'],
    ['{"a" 1}', 1, 6, ':', '1}'],
    ['1 2', 1, 3, 'nothing more', '2'],
    ['{"a":"never closed}', 1, 6, 'a value', '"never closed}'],
    ['[01]', 1, 2, 'a value or ]', '01]'],
    ['{}}', 1, 3, 'nothing more', '}'],
  ])('%j: line %i, column %i', (text, line, column, expected, found) => {
    expect(jsonError(text)).toEqual({ line, column, expected, found })
  })

  test('is found behind megabytes of text', () => {
    expect(jsonError(`["${'x\\n'.repeat(3_000_000)}" 1]`)).toMatchObject({ line: 1, column: 9_000_005 })
  })

  test('is nowhere in any JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
        expect(jsonError(JSON.stringify(JSON.parse(text), null, indent))).toBeUndefined()
      }),
    )
  })

  test('is somewhere in a text exactly when JSON.parse refuses it', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '1',
      '-',
      '1.',
      '1e5',
      '00',
      'true',
      'nul',
      ' ',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('')
        expect(jsonError(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 3000 },
    )
  })
})
