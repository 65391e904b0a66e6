import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SyncReport } from '../../examples/periodic-sync/directory-sync.ts'
import { mirror, type MirrorReport } from '../../examples/periodic-sync/mirror.ts'
import { runsOf, type Run } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

let runs: ReturnType<typeof runsOf>
let source: string
let target: string
beforeEach(() => {
  runs = runsOf('periodic-sync')
  source = join(runs.folder, 'source')
  target = join(runs.folder, 'target')
})
afterEach(() => runs.clean())

function sync(options: { allowEmpty?: boolean; signal?: AbortSignal } = {}): Promise<MirrorReport> {
  return mirror({ source, target, allowEmpty: false, signal: new AbortController().signal, ...options })
}

/** What the real `diff` finds between the two; nothing when they are the same. */
function differences(): string {
  return spawnSync('sh', ['-c', 'diff --recursive --no-dereference "$0" "$1"', source, target], {
    encoding: 'utf8',
  }).stdout
}

function reports(run: Run): SyncReport[] {
  const whole = run.out().slice(0, run.out().lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as SyncReport)
}

describe('a mirror', () => {
  test('of a real tree is that tree; the second run finds nothing to do, the third only what was changed', async () => {
    cpSync(SRC, source, { recursive: true })
    const first = await sync()
    expect(first).toMatchObject({ deleted: 0, unchanged: 0, failures: [] })
    expect(first.copied).toBeGreaterThan(200)
    expect(differences()).toBe('')
    expect(await sync()).toEqual({ copied: 0, deleted: 0, unchanged: first.copied, failures: [] })

    // As long as before, and within the same tick of the clock as the copy.
    const file = join(source, 'index.ts')
    writeFileSync(file, readFileSync(file, 'utf8').toUpperCase())
    rmSync(join(source, 'cli'), { recursive: true })
    const third = await sync()
    expect(third).toMatchObject({ copied: 1, failures: [] })
    expect(third.deleted).toBeGreaterThan(10)
    expect(differences()).toBe('')
  })

  test("follows every change of kind: files, folders and links take each other's place", async () => {
    const kinds = ['none', 'file', 'folder', 'link', 'broken link'] as const
    mkdirSync(source)
    writeFileSync(join(source, 'always'), 'here')
    for (const before of kinds) {
      for (const after of kinds) {
        make(before)
        await sync()
        expect(differences()).toBe('')
        make(after)
        expect((await sync()).failures).toEqual([])
        expect(differences()).toBe('')
      }
    }

    function make(kind: (typeof kinds)[number]): void {
      const path = join(source, 'thing')
      rmSync(path, { recursive: true, force: true })
      if (kind === 'file') writeFileSync(path, 'content')
      if (kind === 'folder') mkdirSync(join(path, 'deep/deeper'), { recursive: true })
      if (kind === 'folder') writeFileSync(join(path, 'deep/file'), 'content')
      if (kind === 'link') symlinkSync('always', path)
      if (kind === 'broken link') symlinkSync('nowhere', path)
    }
  })

  test('is the same as its source after any changes', async () => {
    const name = fc.constantFrom('a', 'b', 'a/x', 'a/y', 'b/x', 'a/x/deep')
    const change = fc.tuple(name, fc.constantFrom('write', 'write', 'remove', 'sync'), fc.nat({ max: 3 }))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        rmSync(source, { recursive: true, force: true })
        rmSync(target, { recursive: true, force: true })
        mkdirSync(source)
        writeFileSync(join(source, 'always'), 'here')
        for (const [path, what, size] of changes) {
          const full = join(source, path)
          if (what === 'sync') await sync()
          if (what === 'remove') rmSync(full, { recursive: true, force: true })
          if (what !== 'write') continue
          for (const folder of ['a', 'a/x', 'b'].filter((each) => path.startsWith(`${each}/`))) {
            const there = lstatSync(join(source, folder), { throwIfNoEntry: false })
            if (there?.isFile()) rmSync(join(source, folder))
            mkdirSync(join(source, folder), { recursive: true })
          }
          rmSync(full, { recursive: true, force: true })
          writeFileSync(full, String(Math.random()).slice(2, 2 + size))
        }
        expect((await sync()).failures).toEqual([])
        expect(differences()).toBe('')
      }),
      { numRuns: 40 },
    )
  })

  test('deletes nothing when the source is gone or empty: a disk that is not mounted must not cost the copy', async () => {
    mkdirSync(source)
    writeFileSync(join(source, 'precious'), '1')
    await sync()
    rmSync(join(source, 'precious'))
    await expect(sync()).rejects.toThrow('is empty')
    rmSync(source, { recursive: true })
    await expect(sync()).rejects.toThrow('ENOENT')
    expect(readFileSync(join(target, 'precious'), 'utf8')).toBe('1')

    mkdirSync(source)
    expect(await sync({ allowEmpty: true })).toMatchObject({ deleted: 1 })
    expect(readdirSync(target)).toEqual([])
  })

  test('goes on when one file cannot be written, says which, and takes it the next time', async () => {
    mkdirSync(join(source, 'blocked'), { recursive: true })
    writeFileSync(join(source, 'blocked/file'), '1')
    writeFileSync(join(source, 'z'), '1')
    await sync()
    writeFileSync(join(source, 'blocked/file'), '22')
    writeFileSync(join(source, 'z'), '22')
    // Somebody puts a folder where the file should be, while that is being written.
    truncateSync(join(source, 'blocked/file'), 256 * 1024 ** 2)
    const running = sync()
    await until(() => readdirSync(join(target, 'blocked')).length > 1, { every: 1 })
    rmSync(join(target, 'blocked/file'))
    mkdirSync(join(target, 'blocked/file/in-the-way'), { recursive: true })
    const report = await running
    expect(report).toMatchObject({ copied: 1, failures: [expect.stringMatching(/^blocked\/file: E/)] })
    expect(readFileSync(join(target, 'z'), 'utf8')).toBe('22')
    expect(await sync()).toMatchObject({ copied: 1, failures: [] })
    expect(differences()).toBe('')
  })

  test('leaves a file alone that is written to while it is copied: half old and half new is worse than old', async () => {
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'old')
    await sync()
    truncateSync(join(source, 'file'), 256 * 1024 ** 2)
    const running = sync()
    await until(() => readdirSync(target).length > 1, { every: 1 })
    writeFileSync(join(source, 'file'), 'new')
    expect(await running).toMatchObject({
      failures: [expect.stringContaining('written to while it was copied')],
    })
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('old')
    expect(await sync()).toMatchObject({ copied: 1, failures: [] })
    expect(differences()).toBe('')
  })

  test('mirrors the rights of files, so that a script stays one', async () => {
    mkdirSync(source)
    writeFileSync(join(source, 'script'), '#!/bin/sh')
    await sync()
    chmodSync(join(source, 'script'), 0o755)
    await sync()
    expect(lstatSync(join(target, 'script')).mode & 0o777).toBe(0o755)
  })
})

describe('the periodic sync', () => {
  test('mirrors every change until SIGTERM, and then ends with 0', async () => {
    mkdirSync(source)
    writeFileSync(join(source, 'one'), '1')
    const run = runs.start('source', 'target', '--every', '0.05')
    await until(() => reports(run).some(({ copied }) => copied === 1))
    writeFileSync(join(source, 'two'), '2')
    renameSync(join(source, 'one'), join(source, 'three'))
    await until(() => differences() === '')
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    expect(reports(run).reduce((sum, { deleted }) => sum + deleted, 0)).toBe(1)
    expect(run.log()).not.toContain('Error')
  })

  test('replaces a file in one step: a reader never sees a part of it', async () => {
    mkdirSync(source)
    const texts = ['a', 'b'].map((letter) => letter.repeat(8_000_000))
    let turn = 0
    // In the source too, as those who write there should.
    const write = (): void => {
      writeFileSync(join(runs.folder, 'new'), texts[turn++ % 2]!)
      renameSync(join(runs.folder, 'new'), join(source, 'file'))
    }
    write()
    const run = runs.start('source', 'target', '--every', '0.01')
    const seen = new Set<string>()
    let [last, changes] = ['', 0]
    await until(
      () => {
        if (!existsSync(join(target, 'file'))) return false
        const text = readFileSync(join(target, 'file'), 'utf8')
        expect(texts.includes(text)).toBe(true)
        if (text[0] !== last) {
          changes++
          write()
        }
        last = text[0]!
        seen.add(last)
        return changes >= 6
      },
      { timeout: '30s', what: 'six changes' },
    )
    expect(seen.size).toBe(2)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })

  test('killed with -9 while it writes leaves the old content, and the next run clears up after it', async () => {
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'old')
    const once = runs.start('source', 'target', '--once')
    expect(await once.ended).toBe(0)
    truncateSync(join(source, 'file'), 3 * 1024 ** 3)
    const temporaries = (): string[] => readdirSync(target).filter((name) => name.startsWith('.sync-'))
    const isWriting = (): boolean => temporaries().length > 0
    const killed = runs.start('source', 'target')
    await until(isWriting, { every: 1 })
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('old')
    expect(isWriting()).toBe(true)

    // In the middle of a long file a stop does not wait for its end, and leaves nothing behind.
    const [leftover] = temporaries()
    const stopped = runs.start('source', 'target')
    const isNew = (): boolean => temporaries().some((name) => name !== leftover)
    await until(isNew, { every: 1 })
    expect(temporaries()).toHaveLength(1)
    stopped.child.kill('SIGTERM')
    expect(await stopped.ended).toBe(0)
    expect(isWriting()).toBe(false)
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('old')

    writeFileSync(join(source, 'file'), 'new')
    const last = runs.start('source', 'target', '--once')
    expect(await last.ended).toBe(0)
    expect(differences()).toBe('')
  })

  test('a run that fails ends --once with 1, and is followed by the next without it; missed ones are counted', async () => {
    const once = runs.start('source', 'target', '--once')
    const run = runs.start('source', 'target', '--every', '0.01')
    expect(await once.ended).toBe(1)
    await run.printed('run failed')
    cpSync(SRC, source, { recursive: true })
    // A run over hundreds of files takes longer than 10 ms.
    await until(() => reports(run).some(({ missedRuns }) => missedRuns > 0))
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
  })

  test('says what is wrong with its command line', async () => {
    const inside = runs.start('source', 'source/target')
    expect(await inside.ended).toBe(1)
    expect(inside.log()).toMatch(/^error: expected SOURCE and TARGET to be apart/)
  })
})
