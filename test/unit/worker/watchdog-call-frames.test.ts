import { describe, expect, test } from 'vitest'
import { formatStack } from '../../../src/worker/watchdog/call-frames.ts'

const urls = new Map([
  ['1', 'file:///srv/app/report.ts'],
  ['2', 'node:internal/timers'],
  ['3', ''],
])

function frame(functionName: string, scriptId: string, lineNumber = 0, columnNumber?: number) {
  return { functionName, location: { scriptId, lineNumber, columnNumber } }
}

describe('the stack of a blocked loop', () => {
  test('reads like that of an Error, and ends where Node called the code', () => {
    // Else the place in the code cannot be clicked on, or drowns in frames that are always the same.
    const frames = [
      frame('sum', '1', 9, 4),
      frame('', '1', 20),
      frame('', '3', 22),
      frame('listOnTimeout', '2', 600, 16),
      frame('processTimers', '2', 500, 6),
    ]
    expect(formatStack(frames, urls)).toBe(
      '    at sum (file:///srv/app/report.ts:10:5)\n    at file:///srv/app/report.ts:21:1',
    )
  })

  test('keeps what Node does for the code, at its top and between', () => {
    const frames = [
      frame('now', '2', 1, 1),
      frame('each', '1', 2, 2),
      frame('forEach', '2'),
      frame('all', '1'),
    ]
    expect(formatStack(frames, urls)?.split('\n')).toHaveLength(4)
  })

  test('is cut after twenty frames', () => {
    const frames = Array.from({ length: 50 }, () => frame('again', '1'))
    expect(formatStack(frames, urls)?.split('\n')).toHaveLength(20)
  })

  test('names code that came from a text', () => {
    expect(formatStack([frame('built', '3', 1, 1), frame('made', '9')], urls)).toBe(
      '    at built (<anonymous>:2:2)\n    at made (<anonymous>:1:1)',
    )
  })

  test('is none when there is only Node in it', () => {
    expect(formatStack([frame('processTimers', '2')], urls)).toBeUndefined()
    expect(formatStack([], urls)).toBeUndefined()
  })
})
