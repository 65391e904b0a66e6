/** What is counted in parts must be what is counted in one go: a border that cuts a word is two wrong numbers. */
import { isUtf8 } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { appendFileSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { countWords } from '../../examples/word-count/count-words.ts'
import { lineRanges } from '../../examples/word-count/line-ranges.ts'
import { runsOf } from '../fixtures/examples/runs.ts'

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const MEGABYTES = 24

let runs: ReturnType<typeof runsOf>
let text: string
beforeEach(() => {
  runs = runsOf('word-count')
  text = join(runs.folder, 'text')
})
afterEach(() => runs.clean())

/** The texts and sources of what is installed here, tens of megabytes of them. */
function writeRealText(path: string): void {
  let size = 0
  for (const name of globSync('*/**/{*.md,*.ts,*.js,LICENSE*}', { cwd: MODULES })) {
    const content = readIfFile(join(MODULES, name))
    // Whatever else they are, sort and uniq would keep bytes that we cannot.
    if (content === undefined || !isUtf8(content)) continue
    appendFileSync(path, content)
    size += content.length
    if (size > MEGABYTES * 1024 * 1024) return
  }
  throw new Error(`expected ${MEGABYTES} MiB of text in ${MODULES}, got: ${size} bytes`)
}

function readIfFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** What coreutils say. */
function countByCoreutils(...paths: string[]): string[] {
  const script = `cat "$@" | tr -s '[:space:]' '\\n' | sort | uniq -c | grep -v '^ *[0-9]* $'`
  const env = { ...process.env, LC_ALL: 'C' }
  const options = { env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 } as const
  return execFileSync('sh', ['-c', script, 'sh', ...paths], options)
    .trimEnd()
    .split('\n')
    .toSorted()
}

const linesOf = (out: string): string[] => out.trimEnd().split('\n').toSorted()

describe('word-count', () => {
  test('counts what coreutils count in tens of megabytes of real text, and tells as it goes on', async () => {
    writeRealText(text)
    const expected = countByCoreutils(text)
    expect(expected.length).toBeGreaterThan(50_000)
    const run = runs.start('--workers', '2', '--top', '1000000000', '--range', '1000003', text)
    expect(await run.ended).toBe(0)
    const counted = linesOf(run.out())
    // Not compared as a whole: a difference of so many lines would take minutes to be drawn.
    expect(counted.filter((line, i) => line !== expected[i]).slice(0, 10)).toEqual([])
    expect(counted).toHaveLength(expected.length)
    const told = [...run.log().matchAll(/^(\d+) %: (\d+) words/gm)].map(([, percent, words]) => [
      percent,
      words,
    ])
    expect(told.map(([percent]) => Number(percent))).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    expect(told.map(([, words]) => Number(words))).toEqual(
      told.map(([, words]) => Number(words)).toSorted((a, b) => a - b),
    )
  })

  test('counts several files as one, most frequent first', async () => {
    const other = join(runs.folder, 'other')
    writeFileSync(text, 'b a ünïcödé 🙂\n')
    writeFileSync(other, '🙂\tb\r\nb\n\n  ünïcödé 日本語')
    writeFileSync(join(runs.folder, 'empty'), '')
    const run = runs.start('--top', '3', text, 'empty', other)
    expect(await run.ended).toBe(0)
    expect(run.out()).toBe('      3 b\n      2 ünïcödé\n      2 🙂\n')
  })

  test('cuts no word and no character, wherever a range or a piece of it ends', async () => {
    writeFileSync(text, 'zwölf 日本語\n\n🙂🙂 x\r\n\t ünïcödé🙂\nlonger than a piece, 終わり'.repeat(2))
    const expected = countByCoreutils(text)
    const { length } = readFileSync(text)
    for (let rangeBytes = 1; rangeBytes <= length; rangeBytes += 3) {
      const ranges = await lineRanges(text, rangeBytes)
      expect(ranges.map(({ start }) => start)).toEqual([0, ...ranges.map(({ end }) => end)].slice(0, -1))
      expect(ranges.at(-1)?.end).toBe(length)
      for (const pieceBytes of [1, 2, 3, 5, 1000]) {
        const counts = new Map<string, number>()
        for (const { start, end } of ranges) {
          for await (const part of countWords(text, start, end, pieceBytes)) {
            for (const [word, n] of part.counts) counts.set(word, (counts.get(word) ?? 0) + n)
          }
        }
        const counted = [...counts].map(([word, n]) => `${String(n).padStart(7)} ${word}`)
        expect(counted.toSorted()).toEqual(expected)
      }
    }
  })

  test('names a file that is not there, or is none, and counts nothing', async () => {
    writeFileSync(text, 'some words')
    const nowhere = runs.start(text, 'nowhere')
    const folder = runs.start(runs.folder)
    expect(await nowhere.ended).toBe(1)
    expect(nowhere.log()).toBe("error: ENOENT: no such file or directory, stat 'nowhere'\n")
    expect(nowhere.out()).toBe('')
    expect(await folder.ended).toBe(1)
    expect(folder.log()).toMatch(/^error: expected a file, got: \//)
  })
})
