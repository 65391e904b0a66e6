/** The layers, the drivers, the names and the entry points: what a reviewer would otherwise have to remember. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf } from './architecture/imports.ts'
import { brokenPromises, undeclared, type Manifest } from './architecture/manifest.ts'
import { complaints, type Files } from './architecture/rules.ts'

const ROOT = join(import.meta.dirname, '..')

describe('the source of Millhand', () => {
  const source = read(join(ROOT, 'src'))
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

  test('keeps to its floors, rooms, drivers, names and lengths, without a cycle', () => {
    expect(source.size).toBeGreaterThan(0)
    expect(complaints(source)).toEqual([])
  })

  test('has every file that package.json promises', () => {
    expect(brokenPromises(manifest, (path) => existsSync(join(ROOT, path)))).toEqual([])
  })

  test('imports only packages that are installed with it', () => {
    const specifiers = [...source.values()].flatMap(importsOf).map((each) => each.specifier)
    expect(undeclared(manifest, specifiers)).toEqual([])
  })
})

describe('the rules refuse', () => {
  const refused: Record<string, [files: Record<string, string>, complaint: string]> = {
    'an arrow upward': [
      { 'core/id.ts': `import { Server } from '../server/server.ts'`, 'server/server.ts': '' },
      'core/id.ts: imports server/server.ts, upward',
    ],
    'an arrow upward that only names types': [
      { 'core/id.ts': `import type { Server } from '../server/server.ts'`, 'server/server.ts': '' },
      'core/id.ts: imports server/server.ts, upward',
    ],
    'an arrow upward by export': [
      { 'core/id.ts': `export * from '../queue/job.ts'`, 'queue/job.ts': '' },
      'core/id.ts: imports queue/job.ts, upward',
    ],
    'an arrow upward that is loaded late': [
      { 'core/id.ts': `const a = await import('../cli/main.ts')`, 'cli/main.ts': '' },
      'core/id.ts: imports cli/main.ts, upward',
    ],
    'an arrow sideways into another room': [
      { 'stream/ring.ts': `import { Queue } from '../queue/queue.ts'`, 'queue/queue.ts': '' },
      'stream/ring.ts: imports queue/queue.ts, sideways into another room',
    ],
    'a backend that imports another backend': [
      { 'backends/redis/a.ts': `import { b } from '../memory/b.ts'`, 'backends/memory/b.ts': '' },
      'backends/redis/a.ts: imports backends/memory/b.ts, a backend, statically',
    ],
    'a static import of a backend from the front door': [
      { 'index.ts': `export { sqlite } from './backends/sqlite/index.ts'`, 'backends/sqlite/index.ts': '' },
      'index.ts: imports backends/sqlite/index.ts, a backend, statically',
    ],
    'the front door used from inside': [
      { 'cli/main.ts': `import { Queue } from '../index.ts'`, 'index.ts': '' },
      'cli/main.ts: imports index.ts, the front door, from inside',
    ],
    'a conformance case that knows a room above its own': [
      { 'conformance/cases.ts': `import '../server/server.ts'`, 'server/server.ts': '' },
      'conformance/cases.ts: imports server/server.ts, but conformance may import only core, worker, queue',
    ],
    'a product file that needs the test support': [
      {
        'queue/queue.ts': `import { eventually } from '../testing/eventually.ts'`,
        'testing/eventually.ts': '',
      },
      'queue/queue.ts: imports testing/eventually.ts, from a room that nothing in src/ may depend on',
    ],
    'a driver outside its room': [
      { 'queue/queue.ts': `import { DatabaseSync } from 'node:sqlite'` },
      'queue/queue.ts: imports the driver node:sqlite, which belongs to backends/sqlite',
    ],
    'a driver in two files of its room': [
      {
        'backends/sqlite/client.ts': `const { DatabaseSync } = await import('node:sqlite')`,
        'backends/sqlite/schema.ts': `import { DatabaseSync } from 'node:sqlite'`,
      },
      'backends/sqlite/schema.ts: imports the driver node:sqlite, which backends/sqlite/client.ts owns',
    ],
    'a cycle': [
      {
        'core/a.ts': `import './b.ts'`,
        'core/b.ts': `export { c } from './c.ts'`,
        'core/c.ts': `import { type A } from './a.ts'`,
      },
      'core/a.ts: is in a cycle: core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts',
    ],
    'a costly module of Node in what each thread loads': [
      {
        'index.ts': `export { Queue } from './queue/queue.ts'`,
        'queue/queue.ts': `import { randomUUID } from 'node:crypto'`,
      },
      'queue/queue.ts: imports node:crypto, which each thread of a worker would load at its start',
    ],
    'a file that is not there': [
      { 'core/a.ts': `import './b.ts'` },
      'core/a.ts: imports ./b.ts, which is not a file of src/',
    ],
    'a bucket for a folder': [
      { 'queue/utils/now.ts': '' },
      'queue/utils/now.ts: "utils" names a bucket, not a responsibility',
    ],
    'a bucket for a file': [
      { 'queue/types.ts': '' },
      'queue/types.ts: "types" names a bucket, not a responsibility',
    ],
    'a name in another case': [
      { 'queue/deadLetter.ts': '' },
      'queue/deadLetter.ts: "deadLetter" is not in kebab-case',
    ],
    'a room without a floor': [
      { 'attic/box.ts': '' },
      'attic/box.ts: "attic" is no room of the house; give it a floor in test/architecture/rules.ts',
    ],
    'a file above 300 lines': [
      { 'core/a.ts': 'a\n'.repeat(301) },
      'core/a.ts: expected at most 300 lines, got: 301',
    ],
  }

  test.each(Object.entries(refused))('%s', (_name, [files, complaint]) => {
    expect(complaints(new Map(Object.entries(files)))).toEqual([complaint])
  })
})

test('the rules let pass what the house allows', () => {
  const files = {
    'index.ts': `export { Queue } from './queue/queue.ts'\nexport { Server } from './server/server.ts'`,
    'core/builtin.ts': `const fs = process.getBuiltinModule('node:fs') as typeof import('node:fs')`,
    'core/id.ts': 'a\n'.repeat(300),
    'server/server.ts': `import { id } from '../core/id.ts'`,
    'queue/queue.ts': `import { id } from '../core/id.ts'\nimport './producer.ts'`,
    'queue/producer.ts': `import type { Server } from '../server/server.ts'\nimport type { Queue } from './queue.ts'`,
    'queue/open-backend.ts': `const late = () => import('../backends/memory/index.ts')`,
    'backends/memory/index.ts': `import type { Backend } from '../../queue/queue.ts'`,
    'backends/sqlite/client.ts': `import { DatabaseSync } from 'node:sqlite'`,
    'conformance/cases.ts': `import assert from 'node:assert/strict'\nimport '../queue/queue.ts'`,
    'cli/main.ts': `import { readFileSync } from 'node:fs'\nimport { Server } from '../server/server.ts'`,
  }
  expect(complaints(new Map(Object.entries(files)))).toEqual([])
})

describe('the reader of imports', () => {
  test('finds every form of import and knows what each loads', () => {
    const text = `
      import './effect.ts'
      import fallback from './default.ts'
      import * as all from "./namespace.ts"
      import fallback, {
        type A,
        b as c,
      } from './several.ts'
      import type { D } from './type.ts'
      import { type E } from './inline-type.ts'
      export * from './all.ts'
      export { f } from './some.ts'
      export type { G } from './exported-type.ts'
      const h = await import('./dynamic.ts')
      const i = \`\${await import('./inside-template.ts')}\`
    `
    expect(importsOf(text).map(({ kind, specifier }) => `${kind} ${specifier}`)).toEqual([
      'static ./effect.ts',
      'static ./default.ts',
      'static ./namespace.ts',
      'static ./several.ts',
      'type ./type.ts',
      'static ./inline-type.ts',
      'static ./all.ts',
      'static ./some.ts',
      'type ./exported-type.ts',
      'dynamic ./dynamic.ts',
      'dynamic ./inside-template.ts',
    ])
  })

  test('is not misled by comments, strings, templates and regular expressions', () => {
    const text = `
      // import './comment.ts'
      /* import './block.ts' */
      const a = "import './string.ts'"
      const b = \`import './template.ts' \${ { c: '}' }.c } import './after.ts'\`
      const d = /['"\`/]/.test(a) ? 1 / 2 : 'it\\'s' // the quotes in there begin no string
      const url = import.meta.url + 'x'
      export const e = 'from', f = from('./call.ts')
      loader.import('./method.ts')
      import './real.ts'
    `
    expect(importsOf(text)).toEqual([{ specifier: './real.ts', kind: 'static' }])
  })
})

describe('package.json is refused', () => {
  const good: Manifest = {
    bin: { millhand: 'bin/millhand.js' },
    files: ['bin', 'dist'],
    exports: {
      '.': {
        'millhand-source': './src/index.ts',
        types: './dist/types/index.d.ts',
        default: './dist/index.js',
      },
      './package.json': './package.json',
    },
    dependencies: { '@scope/there': '1' },
  }
  const there = new Set(['bin', 'bin/millhand.js', './src/index.ts', './package.json'])
  const exists = (path: string) => there.has(path)
  const entry = good.exports['.'] as Record<string, string>

  test('not when all is there', () => {
    expect(brokenPromises(good, exists)).toEqual([])
  })

  test.each<[string, Partial<Manifest>, string]>([
    [
      'for an entry without a source',
      { exports: { './x': { ...entry, 'millhand-source': './src/x.ts' } } },
      'exports["./x"]: ./src/x.ts does not exist',
    ],
    [
      'for an entry that is built under another name',
      { exports: { '.': { ...entry, default: './dist/main.js' } } },
      'exports["."]: expected ./dist/index.js, got: ./dist/main.js',
    ],
    [
      'for an entry with the types of another file',
      { exports: { '.': { ...entry, types: './dist/types/main.d.ts' } } },
      'exports["."]: expected ./dist/types/index.d.ts, got: ./dist/types/main.d.ts',
    ],
    [
      'for conditions in an order that hides one',
      { exports: { '.': { default: './dist/index.js', types: './dist/types/index.d.ts' } } },
      'exports["."]: expected the conditions millhand-source, types, default, got: default, types',
    ],
    [
      'for a plain entry that is missing',
      { exports: { './a.json': './a.json' } },
      'exports["./a.json"]: ./a.json does not exist',
    ],
    [
      'for a command that is missing',
      { bin: { mill: 'bin/mill.js' } },
      'bin.mill: bin/mill.js does not exist',
    ],
    ['for a packed file that is missing', { files: ['LICENSE'] }, 'files: LICENSE does not exist'],
  ])('%s', (_name, change, complaint) => {
    expect(brokenPromises({ ...good, ...change }, exists)).toContain(complaint)
  })

  test('for a package that src/ imports and npm does not install', () => {
    const specifiers = ['node:fs', './a.ts', '@scope/there/sub', 'croner', 'zod/v4', 'zod']
    expect(undeclared(good, specifiers)).toEqual(['croner is not a dependency', 'zod is not a dependency'])
  })
})

function read(folder: string): Files {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  )
  return new Map(
    paths.toSorted().map((path) => [path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')]),
  )
}
