import { expect, test } from 'vitest'
import { failedTests, withoutColours } from '../../../scripts/failed-tests.ts'

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

test('a report without failures tells nothing, and colours are taken out', () => {
  expect(failedTests(report('passed', '', ''), '/house')).toBe('')
  expect(withoutColours('a \u001B[31;1mred\u001B[0m word')).toBe('a red word')
})
