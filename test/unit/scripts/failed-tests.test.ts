import { expect, test } from 'vitest'
import { failedTests, failuresFirst } from '../../../scripts/failed-tests.ts'

function report(status: string, message: string, ...failures: string[]) {
  const assertionResults = failures.map((failure, at) => ({
    fullName: `case ${at}`,
    status: failure === '' ? 'passed' : 'failed',
    failureMessages: failure === '' ? [] : [failure],
  }))
  return { testResults: [{ name: '/house/test/a.test.ts', status, message, assertionResults }] }
}

test('each failed test is told by its file, its name and its first message', () => {
  const text = failedTests(report('failed', '', '', 'Error: one\n  at x', 'Error: two'), '/house')
  expect(text).toBe(
    'failed: test/a.test.ts > case 1\n    Error: one\n      at x\n\nfailed: test/a.test.ts > case 2\n    Error: two',
  )
})

test('a file that fails without a failed test is told with its own message', () => {
  expect(failedTests(report('failed', 'no such import', ''), '/house')).toBe(
    'failed: test/a.test.ts\n    no such import',
  )
})

test('of a long message the head is told', () => {
  const message = Array.from({ length: 50 }, (_, line) => `line ${line}`).join('\n')
  const lines = failedTests(report('failed', '', message), '/house').split('\n')
  expect(lines).toHaveLength(32)
  expect(lines.at(-1)).toBe('    ... 20 lines more')
})

test('a report without failures tells nothing', () => {
  expect(failedTests(report('passed', '', ''), '/house')).toBe('')
})

test('frames of the test runner are left out', () => {
  const message = 'Error: one\n    at /house/a.ts:1:1\n    at file:///house/node_modules/vitest/run.js:3:4'
  expect(failedTests(report('failed', '', message), '/house')).not.toContain('vitest')
})

test('of the output, the failures come first, and colours are taken out', () => {
  const output =
    '\u001B[31;1m RUN\u001B[0m  v5\n passed\n\n\u001B[31m⎯⎯⎯⎯ Failed Tests 1 ⎯⎯\u001B[39m\n\n FAIL  a\n'
  expect(failuresFirst(output)).toBe('⎯⎯⎯⎯ Failed Tests 1 ⎯⎯\n\n FAIL  a\n\nRUN  v5\n passed')
  expect(failuresFirst('tsc says no\n')).toBe('tsc says no')
})

test('a crash of Node comes before all else: what vitest says of it is only its signal', () => {
  const crash = '#\n# Fatal error in , line 0\n# Check failed: it.\n----- Native stack trace -----\n 1: 0x1'
  const shown = failuresFirst(` RUN  v5\n${crash}\n\n⎯⎯⎯⎯ Unhandled Errors ⎯⎯\n\nSIGTRAP\n`)
  expect(shown).toMatch(
    /^# Fatal error in , line 0\n# Check failed: it\.\n-{5} Native stack trace -{5}\n 1: 0x1\n/,
  )
  expect(shown).toMatch(/⎯⎯⎯⎯ Unhandled Errors ⎯⎯\n\nSIGTRAP\n\nRUN {2}v5/)
})
