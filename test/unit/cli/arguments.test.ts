import { describe, expect, test } from 'vitest'
import { repeated, states, timeOfDay, wholeNumber } from '../../../src/cli/arguments.ts'

describe('what is typed after an option', () => {
  test.each(['x', '1.5', '1e3', '', ' 1', '-1', '99999999999999999999'])('%j is no whole number', (text) => {
    expect(() => wholeNumber(0)(text)).toThrow('Expected an integer of at least 0')
  })

  test('a time is local unless it names its zone', () => {
    expect(timeOfDay('2026-03-01T08:30:00Z')).toEqual(new Date('2026-03-01T08:30:00Z'))
    expect(timeOfDay('2026-03-01 08:30+02:00')).toEqual(new Date('2026-03-01T06:30:00Z'))
    expect(timeOfDay('2026-03-01')).toEqual(new Date(2026, 2, 1))
    expect(timeOfDay('2026-03-01T08:30')).toEqual(new Date(2026, 2, 1, 8, 30))
    expect(timeOfDay('2028-02-29')).toEqual(new Date(2028, 1, 29))
  })

  test.each([
    'tomorrow',
    '2026-02-30',
    '2026-13-01',
    '2026-03-01T25:00',
    '1700000000000',
    '2026-04-31T10:00Z',
  ])('%j is no time', (text) => {
    expect(() => timeOfDay(text)).toThrow('Expected a time such as')
  })

  test('states are separated by commas or given again; an unknown one is met with a guess', () => {
    expect(states('dead', states('waiting,delayed'))).toEqual(['waiting', 'delayed', 'dead'])
    expect(() => states('waitng')).toThrow('Did you mean waiting?')
  })

  test('what may be given several times is collected', () => {
    expect(repeated('b', repeated('a'))).toEqual(['a', 'b'])
  })
})
