import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { blame } from '../../../src/core/blame.ts'

function errorWith(stack: string): Error {
  return Object.assign(new Error('boom'), { stack })
}
const urlOf = (path: string): string => pathToFileURL(path).href
const mine = resolve('app/mail.ts')

test('blamed is the first place that is neither ours, nor in a package, nor in Node', () => {
  const stack = [
    'Error: boom',
    `    at check (${urlOf(resolve('src/core/options.ts'))}:10:3)`,
    `    at zod (${urlOf(resolve('node_modules/zod/index.js'))}:1:1)`,
    '    at node:internal/modules/esm/loader:1:2',
    `    at bar (${urlOf(mine)}:3:30)`,
    `    at ${urlOf(resolve('app/other.ts'))}:9:9`,
  ]
  expect(blame(errorWith(stack.join('\n')))).toBe('app/mail.ts:3:30')
})

test('a syntax error names its place in its first line', () => {
  expect(
    blame(errorWith(`${mine}:2\nconst y: = 3\n         ^\n\nSyntaxError: no\n    at node:internal/x:1:1`)),
  ).toBe('app/mail.ts:2')
})

test('a file outside is named in full, and nothing is made up', () => {
  expect(blame(errorWith('Error: x\n    at f (/elsewhere/my file.ts:1:2)'))).toBe('/elsewhere/my file.ts:1:2')
  expect(blame(errorWith('Error: x\n    at node:internal/x:1:1'))).toBeUndefined()
})
