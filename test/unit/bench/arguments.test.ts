import { describe, expect, it } from 'vitest'
import { parseArguments, UsageError } from '../../../bench/arguments.ts'

const parse = (...args: string[]) => parseArguments(args, ['memory', 'sqlite'])

describe('the arguments of a benchmark', () => {
  it('are a suite alone, for a full run and a table', () => {
    expect(parse('memory')).toEqual({ suite: 'memory', quick: false, json: false, only: undefined })
  })

  it('are taken in any order', () => {
    const expected = { suite: 'sqlite', quick: true, json: true, only: 'process' }
    expect(parse('sqlite', '--quick', '--json', '--case', 'process')).toEqual(expected)
    expect(parse('--json', '--case=process', '--quick', 'sqlite')).toEqual(expected)
  })

  it.each([
    [[], 'expected the name of a suite'],
    [['redis'], 'expected a suite out of memory, sqlite, got: redis'],
    [['memory', 'sqlite'], 'expected one suite, got also: sqlite'],
    [['memory', '--fast'], '--fast'],
    [['memory', '--case'], '--case'],
  ])('that are wrong, %j, are told with the usage', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError)
    expect(() => parse(...args)).toThrow(message)
    expect(() => parse(...args)).toThrow('usage: npm run bench -- memory|sqlite')
  })
})
