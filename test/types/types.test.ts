/**
 * The types of the built package. What is in right/ compiles. In wrong/, each statement that must not compile
 * follows a comment `// refused: <part of the message>`; nothing else there may be an error.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const HERE = import.meta.dirname
const ERROR = /^(.+\.ts)\((\d+),\d+\): error TS\d+: (.*)$/

interface Refusal {
  readonly file: string
  readonly line: number
  readonly text: string
}

const reported = compile()

describe('right code compiles', () => {
  test.each(files('right'))('%s', (file) => {
    expect(reported.filter((each) => each.file === file)).toEqual([])
  })

  test('and so does what the package itself declares', () => {
    const ours = [...files('right'), ...files('wrong')]
    // Other packages' declarations, which a sample imports, are their own affair.
    const all = reported.filter(({ file }) => !file.includes('/node_modules/'))
    expect(all.filter((each) => !ours.includes(each.file))).toEqual([])
  })
})

describe('wrong code does not', () => {
  test.each(files('wrong'))('%s', (file) => {
    const found = reported.filter((each) => each.file === file)
    const demanded = demands(file)
    expect(demanded).not.toEqual([])
    const unmet = demanded.filter(
      ({ line, text }) => !found.some((each) => each.line === line && each.text.includes(text)),
    )
    expect(unmet, `all that was reported:\n${JSON.stringify(found, null, 2)}`).toEqual([])
    expect(found.filter((each) => !demanded.some(({ line }) => line === each.line))).toEqual([])
  })
})

function files(folder: string): string[] {
  return readdirSync(join(HERE, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
}

/** The errors that a file asks for: on the line after each comment. */
function demands(file: string): Refusal[] {
  const lines = readFileSync(join(HERE, file), 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    const text = /^\s*\/\/ refused: (.*)$/.exec(line)?.[1]
    return text === undefined ? [] : [{ file, line: index + 2, text }]
  })
}

/** Each error with the whole of its message: the lines that tell the inner reasons are indented. */
function compile(): Refusal[] {
  const tsc = join(HERE, '../../node_modules/.bin/tsc')
  const { stdout, error } = spawnSync(tsc, ['-p', '.', '--pretty', 'false'], { cwd: HERE, encoding: 'utf8' })
  if (error !== undefined) throw error
  const errors: { file: string; line: number; text: string }[] = []
  for (const row of stdout.split('\n')) {
    const [, file, line, text] = ERROR.exec(row) ?? []
    if (file !== undefined) errors.push({ file, line: Number(line), text: text ?? '' })
    else if (row.startsWith(' ') && errors.length > 0) errors[errors.length - 1]!.text += `\n${row.trim()}`
    else if (row !== '') errors.push({ file: 'tsc', line: 0, text: row })
  }
  return errors
}
