import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runsOf } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

const TYPESCRIPT = fileURLToPath(new URL('../../node_modules/typescript', import.meta.url))

/** They look into /proc. */
const onLinux = test.skipIf(process.platform !== 'linux')

let runs: ReturnType<typeof runsOf>
beforeEach(() => (runs = runsOf('hash-files')))
afterEach(() => runs.clean())

/** What the real one says of all files below a folder. */
function sha256sum(root: string, cwd: string): string {
  const script = 'find "$0" -type f -print0 | LC_ALL=C sort -z | xargs -0 --no-run-if-empty sha256sum'
  return execFileSync('sh', ['-c', script, root], { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

describe('hash-files', () => {
  test('prints what sha256sum prints for a real tree, and hashes nothing again that did not change', async () => {
    const first = runs.start(TYPESCRIPT, '--processes', '2', '--chunk', '4096')
    expect(await first.ended).toBe(0)
    const expected = sha256sum(TYPESCRIPT, runs.folder)
    expect(expected.split('\n').length).toBeGreaterThan(300)
    expect(first.out()).toBe(expected)

    const again = runs.start(TYPESCRIPT, '--processes', '1')
    expect(await again.ended).toBe(0)
    expect(again.out()).toBe(expected)
  })

  test('hashes a file again that was changed, and leaves out what is no file', async () => {
    const tree = join(runs.folder, 'tree')
    mkdirSync(join(tree, 'a/b'), { recursive: true })
    writeFileSync(join(tree, 'a/b/one'), '1')
    writeFileSync(join(tree, 'a.b'), 'sorts between a and a/')
    writeFileSync(join(tree, 'empty'), '')
    for (const name of ['new\nline', 'back\\slash', 'carriage\rreturn', ' blank ', 'ünïcödé 🙂', '\uffee']) {
      writeFileSync(join(tree, name), name)
    }
    symlinkSync('a', join(tree, 'link'))
    symlinkSync('nowhere', join(tree, 'broken'))
    execFileSync('sh', ['-c', 'mkfifo "$0"', join(tree, 'pipe')])
    const first = runs.start('tree')
    expect(await first.ended).toBe(0)
    expect(first.out()).toBe(sha256sum('tree', runs.folder))
    expect(first.log()).toBe('9 files, 0 failed; left out: 2 symbolic links, 1 others\n')
    const check = spawnSync('sh', ['-c', 'sha256sum --check --quiet'], {
      cwd: runs.folder,
      input: first.out(),
    })
    expect(check.status).toBe(0)

    writeFileSync(join(tree, 'empty'), 'not any more')
    const second = runs.start('tree')
    expect(await second.ended).toBe(0)
    expect(second.out()).not.toBe(first.out())
    expect(second.out()).toBe(sha256sum('tree', runs.folder))
  })

  onLinux(
    'names the files that cannot be read, prints the others, and ends with 1, as sha256sum does',
    async () => {
      const tree = join(runs.folder, 'tree')
      mkdirSync(tree)
      writeFileSync(join(tree, 'good'), '1')
      writeFileSync(join(tree, 'secret'), '1')
      chmodSync(join(tree, 'secret'), 0)
      // For root every file is readable; these are not, even so.
      const root = process.getuid?.() === 0 ? `/proc/${process.pid}/attr` : tree
      const run = runs.start(root, '--processes', '1')
      expect(await run.ended).toBe(1)
      const real = spawnSync('sh', ['-c', 'find "$0" -type f -exec sha256sum {} +', root], {
        encoding: 'utf8',
      })
      expect(run.out().split('\n').toSorted()).toEqual(real.stdout.split('\n').toSorted())
      const unreadable = real.stderr.match(/(?<=sha256sum: )\S+(?=:)/g) ?? []
      expect(unreadable.length).toBeGreaterThan(0)
      const named = run.log().match(/(?<=^error: )\/\S+(?=:)/gm)
      expect(named?.toSorted()).toEqual(unreadable.toSorted())
    },
  )

  test('a folder that is not there is named', async () => {
    const run = runs.start('nowhere')
    const none = runs.start()
    expect(await run.ended).toBe(1)
    expect(run.log()).toContain("error: ENOENT: no such file or directory, scandir 'nowhere'")
    expect(await none.ended).toBe(1)
    expect(none.log()).toMatch(/^error: expected one FOLDER\n/)
  })

  onLinux(
    'stopped by SIGTERM in the middle of a long file it ends without its end, whole or not at all, and can go on',
    async () => {
      const tree = join(runs.folder, 'tree')
      mkdirSync(tree)
      writeFileSync(join(tree, 'small'), '1')
      writeFileSync(join(tree, 'large'), '')
      truncateSync(join(tree, 'large'), 256 * 1024 ** 3)
      const first = runs.start('tree', '--processes', '2')
      const pids = await until(
        () => {
          const found = childrenOf(first.child.pid!)
          return found.some((pid) => isReading(pid, join(tree, 'large'))) ? found : undefined
        },
        { what: 'the large file to be read' },
      )
      first.child.kill('SIGTERM')
      expect(await first.ended).toBe(1)
      expect(first.out()).toBe('')
      expect(first.log()).toContain('stopped before all was hashed')
      expect(pids.filter(isAlive)).toEqual([])

      truncateSync(join(tree, 'large'), 1024 ** 2)
      const second = runs.start('tree')
      // The job of the file as it was before is worked off too; it finds the short one.
      expect(await second.ended).toBe(0)
      expect(second.out()).toBe(sha256sum('tree', runs.folder))
    },
  )

  onLinux(
    'a process that is killed loses nothing: its files are hashed by the one that replaces it',
    async () => {
      const tree = join(runs.folder, 'tree')
      mkdirSync(tree)
      for (let n = 0; n < 100; n++) writeFileSync(join(tree, `small ${n}`), String(n))
      // It takes long enough to be found at it.
      writeFileSync(join(tree, 'large'), '')
      truncateSync(join(tree, 'large'), 256 * 1024 ** 2)
      const run = runs.start('tree', '--processes', '1', '--chunk', '4096')
      const [victim] = await until(
        () => {
          const found = childrenOf(run.child.pid!)
          return found.some((pid) => isReading(pid, join(tree, 'large'))) ? found : undefined
        },
        { every: 1, what: 'the large file to be read' },
      )
      process.kill(victim!, 'SIGKILL')
      expect(await run.ended).toBe(0)
      expect(run.out()).toBe(sha256sum('tree', runs.folder))
    },
  )
})

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function isReading(pid: number, path: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith(path))
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
