/** The samples of README and guide compile, the pages link to what is there, and the table of events is whole. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const OUT = join(ROOT, '.tmp/guide')

const PAGES = [
  'README.md',
  'docs/events.md',
  ...readdirSync(join(ROOT, 'docs/guide')).map((name) => `docs/guide/${name}`),
]

const text = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** Each block of TypeScript is a module of its own, at the line that it has in its page. */
function writeSamples(): string[] {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT, { recursive: true })
  return PAGES.flatMap((page) =>
    [...text(page).matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code }) => {
      const line = text(page).slice(0, index).split('\n').length
      const name = `${page.replaceAll('/', '-').replace('.md', '')}-${line}.ts`
      writeFileSync(join(OUT, name), `${'\n'.repeat(line)}${code}\nexport {}\n`)
      return name
    }),
  )
}

test('every sample compiles', () => {
  expect(writeSamples().length).toBeGreaterThan(20)
  const options = { noUnusedLocals: false, noUnusedParameters: false }
  const config = {
    extends: join(ROOT, 'test/types/tsconfig.json'),
    compilerOptions: { ...options, skipLibCheck: true, typeRoots: [join(ROOT, 'node_modules/@types')] },
    include: [OUT, join(ROOT, 'test/types/guide')],
  }
  writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const { stdout, error } = spawnSync(tsc, ['-p', OUT, '--pretty', 'false'], { encoding: 'utf8' })
  expect(error).toBeUndefined()
  expect(stdout).toBe('')
})

test('every link leads to a file', () => {
  const broken = PAGES.flatMap((page) =>
    [...text(page).matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .filter(({ 1: target }) => !existsSync(join(ROOT, dirname(page), target!)))
      .map(({ 1: target }) => `${page}: ${target}`),
  )
  expect(broken).toEqual([])
})

test('every page of the guide can be found from the README', () => {
  const readme = text('README.md')
  expect(PAGES.filter((page) => page !== 'README.md' && !readme.includes(`(${page})`))).toEqual([])
})

test('the table of events has every event with its fields', () => {
  const source = text('src/core/telemetry.ts')
  const events = /export interface WorkerEvents \{\n(.*?)^\}/ms.exec(source)![1]!
  const declared = [...events.matchAll(/^ {2}(\w+): \{(.*?)\}/gms)].map(({ 1: name, 2: fields }) => {
    const names = [...fields!.matchAll(/readonly (\w+):/g)].map(({ 1: field }) => field!)
    return [name!, names.filter((field) => field !== 'worker')]
  })
  const [table] = text('docs/events.md').split('## One attempt')
  const told = [...table!.matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].map(({ 1: name, 2: fields }) => [
    name!,
    [...fields!.matchAll(/`(\w+)`/g)].map(({ 1: field }) => field!),
  ])
  expect(declared).toHaveLength(15)
  expect(told).toEqual(declared)
})
