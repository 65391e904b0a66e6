import { describe, expect, test } from 'vitest'
import { firstLine, printable } from '../../../src/cli/printable.ts'
import { Table } from '../../../src/cli/table.ts'

describe('a table', () => {
  test('is as wide as what is in it, numbers to the right, nothing at the ends of lines', () => {
    const table = new Table([{ title: 'QUEUE' }, { title: 'WAITING', align: 'right' }, { title: '' }])
    const text = table.render([
      ['mail', '5', ''],
      ['a-long-name', '12000', 'paused'],
    ])
    expect(text.split('\n')).toEqual([
      'QUEUE        WAITING',
      'mail               5',
      'a-long-name    12000  paused',
      '',
    ])
  })

  test('counts wide characters as two cells and joined ones as one', () => {
    const table = new Table([{ title: 'ID' }, { title: 'X' }])
    expect(
      table.render([
        ['日本', '1'],
        ['👩‍👩‍👧', '2'],
        ['e\u0301', '3'],
      ]),
    ).toBe('ID    X\n日本  1\n👩‍👩‍👧    2\ne\u0301     3\n')
  })

  test('has one header, however many pages it is written in', () => {
    const table = new Table([{ title: 'ID' }])
    expect(table.render([['1']]) + table.render([['2']])).toBe('ID\n1\n2\n')
  })

  test('shows control characters of stored text as escapes', () => {
    const table = new Table([{ title: 'ID' }])
    expect(table.render([['\u001B[2Jgone\nforged']])).toContain('\\u001b[2Jgone\\u000aforged')
  })
})

test('a first line is cut, and nothing in it can move the cursor', () => {
  expect(firstLine('boom\nsecond')).toBe('boom')
  expect(firstLine('x'.repeat(100), 10)).toBe('xxxxxxxxx…')
  expect(firstLine('a\u0007b\r')).toBe('a\\u0007b')
  expect(printable('plain ünï 日')).toBe('plain ünï 日')
})
