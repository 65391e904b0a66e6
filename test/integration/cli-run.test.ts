import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { millhand, start, type CommandOptions, type Running } from '../fixtures/cli/command.ts'
import { until } from '../fixtures/until.ts'

let folder: string
let file: string
const running = new Set<Running>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-cli-'))
  file = join(folder, 'jobs.db')
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all([...running].map(({ ended }) => ended))
  running.clear()
  await rm(folder, { recursive: true })
})

function run(argv: readonly string[], options?: CommandOptions): Running {
  const command = start(argv, options)
  running.add(command)
  return command
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/cli/${name}.ts`, import.meta.url))
}

async function written(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return name
}

async function withMail(use: (mail: Queue) => Promise<unknown>): Promise<void> {
  const mail = new Queue('mail', { backend: sqlite(file) })
  try {
    await use(mail)
  } finally {
    await mail.close()
  }
}

describe('millhand run', () => {
  test('drains the queue of the worker that a file exports, and exits 0 at SIGTERM', async () => {
    await withMail((mail) =>
      mail.addMany(Array.from({ length: 50 }, (_, n) => ({ type: 'welcome', payload: { n } }))),
    )
    const command = run(['run', fixture('mail')], { env: { DB: file } })
    await withMail((mail) =>
      until(async () => (await mail.stats()).counts.waiting + (await mail.stats()).counts.active === 0),
    )
    command.child.kill('SIGTERM')
    const { code, signal, out, err } = await command.ended
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    const welcomed = out.trimEnd().split('\n')
    expect(welcomed).toHaveLength(50)
    expect(new Set(welcomed)).toContain('welcome {"n":49}')
    // Standard error is a pipe, so the log is JSON lines.
    const log = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string })
    expect(log.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['worker started', 'worker stopped']))
  })

  test('a job that failed for good can be looked at and replayed beside it', async () => {
    const env = { DB: file, MILLHAND_BACKEND: `sqlite:${file}` }
    await millhand(['queue', 'add', 'mail', 'broken', '1', '--id', 'b'], { env })
    const command = run(['run', fixture('mail')], { env })
    await command.printed('job is dead')
    const listed = await millhand(['dead', 'list', 'mail', '--json'], { env })
    expect(JSON.parse(listed.out)).toMatchObject([{ id: 'dlq_b', payload: { error: 'no such address' } }])
    const replayed = await millhand(['dead', 'replay', 'mail', 'b', '--json'], { env })
    expect(JSON.parse(replayed.out)).toEqual({ queue: 'mail', replayed: 1, missing: [] })
    command.child.kill('SIGINT')
    expect(await command.ended).toMatchObject({ code: 0 })
  })

  test('runs an exported server, and in it the worker that was exported beside it; each once', async () => {
    const { code, out } = await millhand(['run', fixture('server')])
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n').toSorted()).toEqual(['loose ran', 'minded ran'])
  })

  test('exits 1 when a worker cannot be set up', async () => {
    const { code, err } = await millhand(['run', fixture('fails')])
    expect(code).toBe(1)
    expect(err).toContain('the port is taken')
  })

  test('ends when the workers have, although the file left a timer open', async () => {
    expect(await millhand(['run', fixture('lingers')])).toMatchObject({ code: 0, signal: null })
  })

  test('goes on working when nobody reads its output any more', async () => {
    await withMail(async (mail) => {
      await mail.add('welcome', 'first')
      const command = run(['run', fixture('mail')], { env: { DB: file, LOG_LEVEL: 'debug' } })
      await command.printed('welcome "first"')
      command.child.stdout!.destroy()
      command.child.stderr!.destroy()
      await mail.addMany(Array.from({ length: 200 }, (_, n) => ({ type: 'welcome', payload: n })))
      await until(async () => {
        const { waiting, active } = (await mail.stats()).counts
        return waiting + active === 0
      })
      expect((await mail.stats()).counts.dead).toBe(0)
      const exited = once(command.child, 'exit')
      command.child.kill('SIGTERM')
      expect(await exited).toEqual([0, null])
    })
  })
})

describe('a file that cannot be run', () => {
  /** What people see: one message, no stack. */
  async function refused(argv: readonly string[]) {
    const { code, signal, out, err } = await millhand(argv, { cwd: folder })
    expect({ signal, out }).toEqual({ signal: null, out: '' })
    expect(err).not.toMatch(/^\s+at /m)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    return { code, err }
  }

  test('because its TypeScript does not compile: with file and line', async () => {
    const { code, err } = await refused([
      'run',
      await written('broken.ts', 'export const x = 1\nconst y: = 3\n'),
    ])
    expect(code).toBe(1)
    expect(err).toContain('error: broken.ts:2: cannot be loaded: Unexpected token')
  })

  test('because it needs a compiler: with what to write instead', async () => {
    const { err } = await refused(['run', await written('colours.ts', '\nenum Colour { Red }\n')])
    expect(err).toMatch(/error: colours.ts:2: .*enum.*erasableSyntaxOnly/)
  })

  test('because its JavaScript does not compile: with file and line', async () => {
    const { err } = await refused(['run', await written('broken.mjs', 'export const x = 1\nconst y = = 3\n')])
    expect(err).toContain("error: broken.mjs:2: cannot be loaded: Unexpected token '='")
  })

  test('because a file that it imports is broken, missing, or has no such export', async () => {
    await written('inner.ts', 'export const a = 1\n\nconst b: = 2\n')
    expect((await refused(['run', await written('outer.ts', "import './inner.ts'\n")])).err).toContain(
      'inner.ts:3',
    )
    expect((await refused(['run', await written('gone.ts', "import 'no-such-package'\n")])).err).toMatch(
      /gone.ts: Cannot find package 'no-such-package'.*is it installed/,
    )
    await written('types.ts', 'export interface A { a: 1 }\n')
    const { err } = await refused([
      'run',
      await written('type.ts', "import { A } from './types.ts'\nexport const a: A = { a: 1 }\n"),
    ])
    expect(err).toMatch(/type.ts:1: .*named 'A'.*import type/)
  })

  test('because it throws: with the place and the first line of the cause', async () => {
    const text = 'function read(): never {\n  throw new TypeError("no DB given\\nmore")\n}\nread()\n'
    const { code, err } = await refused(['run', await written('throws.ts', text)])
    expect(code).toBe(1)
    expect(err).toBe('error: throws.ts:2:9: failed while it was loaded: TypeError: no DB given\n')
    expect((await refused(['run', await written('throws.js', 'throw undefined')])).err).toContain(
      'throws.js: threw while it was loaded: undefined',
    )
    const own = await refused(['run', fixture('bad-option')])
    expect(own.err).toMatch(
      /bad-option.ts:4:\d+: failed .* InvalidOptionError: expected name to be a queue name/,
    )
  })

  test('because a top-level await never ends', async () => {
    const { code, err } = await refused(['run', await written('stuck.mjs', 'await new Promise(() => {})\n')])
    expect(code).toBe(1)
    expect(err).toContain('stuck.mjs is never done loading')
  })

  test('because it exports nothing to run', async () => {
    expect(await refused(['run', await written('none.ts', 'export {}')])).toEqual({
      code: 2,
      err: expect.stringContaining('none.ts exports nothing. Export what is to run'),
    })
  })

  test('with --json as one object, with --debug with the stack', async () => {
    await written('throws.ts', 'throw new Error("boom")')
    const { err } = await refused(['run', 'throws.ts', '--json'])
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'MODULE_LOAD', message: expect.stringContaining('boom') },
    })
    const debug = await millhand(['run', 'throws.ts', '--debug'], { cwd: folder })
    expect(debug.err).toMatch(/caused by Error: boom\n\s+at .*throws.ts:1/)
  })
})

describe('a reader that goes away', () => {
  test('ends a listing quietly, with 0', async () => {
    await withMail((mail) =>
      mail.addMany(
        Array.from({ length: 5000 }, (_, n) => ({ type: 'welcome', payload: 'x'.repeat(100) + n })),
      ),
    )
    for (const argv of [
      ['--limit', '5000'],
      ['--limit', '5000', '--json'],
    ]) {
      const command = run(['queue', 'jobs', 'mail', '--backend', file, ...argv])
      await once(command.child.stdout!, 'data')
      command.child.stdout!.destroy()
      expect(await command.ended).toMatchObject({ code: 0, signal: null, err: '' })
    }
  })

  test('does not keep a command from doing its work', async () => {
    const command = run(['queue', 'add', 'mail', 'welcome', '1', '--id', 'one', '--backend', file])
    command.child.stdout!.destroy()
    command.child.stderr!.destroy()
    await command.ended
    await withMail(async (mail) => expect(await mail.get('one')).toMatchObject({ state: 'waiting' }))
  })
})
