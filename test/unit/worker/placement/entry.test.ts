import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { entryOf, flagsOf } from '../../../../src/worker/placement/entry.ts'

const own = process.execArgv
const SOURCE = '--conditions=millhand-source'

afterEach(() => {
  process.execArgv = own
})

describe('the flags of a child', () => {
  test('are those that are given, and what finds the sources', () => {
    for (const placement of ['thread', 'process'] as const) {
      expect(flagsOf(['--no-warnings'], placement)).toEqual(['--no-warnings', SOURCE])
      expect(flagsOf([SOURCE], placement)).toEqual([SOURCE])
    }
  })

  test('of a thread are inherited as a whole where that is possible', () => {
    process.execArgv = [SOURCE, '--max-old-space-size=100']
    expect(flagsOf(undefined, 'thread')).toBeUndefined()
  })

  test('of a thread are else those that it takes by name', () => {
    process.execArgv = ['--max-old-space-size=100', '--import', './tracing.js', '-r', 'x', '--title', 'y']
    expect(flagsOf(undefined, 'thread')).toEqual(['--import', './tracing.js', '-r', 'x', SOURCE])
    process.execArgv = [SOURCE, '--input-type=module', '-e', 'code']
    expect(flagsOf(undefined, 'thread')).toEqual([SOURCE])
  })

  test('of a process leave out what was about the main script', () => {
    process.execArgv = [
      SOURCE,
      '--inspect=0',
      '--input-type',
      'module',
      '--expose-gc',
      '-e',
      'code',
      '--import',
      'x',
    ]
    expect(flagsOf(undefined, 'process')).toEqual([SOURCE, '--expose-gc', '--import', 'x'])
  })
})

test.each(['thread', 'process'] as const)('the entry file of a %s is there', (placement) => {
  expect(existsSync(entryOf(placement))).toBe(true)
})
