/** Stores that cannot be used, met by the command and by a worker that is at work. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { Queue, type BackendError } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { captureLogger, recordEvents } from 'millhand/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { millhand } from '../fixtures/cli/command.ts'
import { until } from '../fixtures/until.ts'

const MAIL = fileURLToPath(new URL('../fixtures/cli/mail.ts', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'millhand-stores-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface BadStore {
  readonly path: string
  /** What the error must say: of which file, and the way out. */
  readonly says: string
}

const STORES: Readonly<Record<string, () => BadStore>> = {
  'a database of another program': () => {
    const path = join(root, 'customers.db')
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE customer (name TEXT)')
    other.close()
    return { path, says: 'is a database of another program' }
  },
  'no database': () => {
    const path = join(root, 'diary.db')
    writeFileSync(path, 'Dear diary,\n'.repeat(1000))
    return { path, says: 'restore it from a backup' }
  },
  'in a folder that is not there': () => {
    const folder = join(root, 'nowhere')
    return { path: join(folder, 'jobs.db'), says: `there is no folder ${folder}; create it first` }
  },
  'a folder': () => {
    const path = join(root, 'folder.db')
    mkdirSync(path)
    return { path, says: 'it is a folder; name a file in it' }
  },
}

describe.each(Object.keys(STORES))('a store that is %s', (kind) => {
  test('fails the command and the worker with its name and the way out, and is not touched', async () => {
    const { path, says } = STORES[kind]!()
    const before = contents(path)
    const add = await millhand(['queue', 'add', 'mail', 'welcome', '{}', '--backend', `sqlite:${path}`])
    expect(add).toMatchObject({ code: 1, out: '' })
    expect(add.err).toMatch(/^error: .*\n$/)
    expect(add.err).toContain(path)
    expect(add.err).toContain(says)

    const run = await millhand(['run', MAIL], { env: { DB: path } })
    expect(run.code).toBe(1)
    expect(run.err).toContain(says.replaceAll('"', String.raw`\"`))
    expect(contents(path)).toEqual(before)
  })
})

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** A disk of so many MiB, or why there is none. */
function mountDisk(path: string, mebibytes: number): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can mount a small disk'
  mkdirSync(path)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'none', path])
  return status === 0 ? undefined : `cannot mount a small disk here: ${String(stderr)}`
}

test('a disk that fills up under a worker refuses what is new; what was accepted is done when there is space', async ({
  skip,
}) => {
  const disk = join(root, 'disk')
  const why = mountDisk(disk, 24)
  if (why !== undefined) return skip(why)
  const logger = captureLogger()
  const mail = new Queue('mail', { backend: sqlite(join(disk, 'jobs.db')) })
  const done = new Set<string>()
  const worker = mail.worker({ welcome: ({ id }) => void done.add(id) }, { lease: '1s', logger })
  const events = recordEvents(worker)
  const accepted = new Set<string>()
  const add = async (): Promise<void> => {
    accepted.add((await mail.add('welcome', 'x'.repeat(2_000))).id)
  }
  try {
    await worker.start()
    for (let n = 0; n < 50; n++) await add()
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(join(disk, 'rest'), new Uint8Array(bavail * bsize))
    const refusal = await until(async () => {
      try {
        await add()
        return undefined
      } catch (error) {
        return error as BackendError
      }
    })
    expect(refusal).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    expect(refusal.message).toMatch(/^the disk that holds .*jobs\.db is full; what was accepted is safe/)
    rmSync(join(disk, 'rest'))
    for (let n = 0; n < 50; n++) await add()
    await until(() => done.size === accepted.size, { what: 'everything accepted to be done' })
    expect([...accepted].every((id) => done.has(id))).toBe(true)
    await worker.stop()
    const { waiting, active, delayed, dead } = (await mail.stats()).counts
    expect({ waiting, active, delayed, dead }).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0 })
    const outages = events.of('backend').map(({ up }) => up)
    expect(outages.length % 2).toBe(0)
  } finally {
    await worker.stop()
    await mail.close()
    spawnSync('umount', [disk])
  }
})

test.skipIf(process.platform === 'win32' || process.getuid?.() !== 0)(
  'a folder that may not be written is named by the command, as another user meets it',
  async () => {
    const folder = join(root, 'read-only')
    mkdirSync(folder)
    const mail = new Queue('mail', { backend: sqlite(join(folder, 'jobs.db')) })
    await mail.add('welcome', {})
    await mail.close()
    chmodSync(root, 0o755)
    chmodSync(folder, 0o555)
    const bin = fileURLToPath(new URL('../../bin/millhand.js', import.meta.url))
    const url = `sqlite:${join(folder, 'jobs.db')}`
    const args = ['--conditions=millhand-source', bin, 'queue', 'add', 'mail', 'welcome', '--backend', url]
    const { status, stderr } = spawnSync(process.execPath, args, {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^error: cannot write to .*read-only\/jobs\.db: the file or its folder is read-only/,
    )
    expect(
      (await new Queue('mail', { backend: sqlite(join(folder, 'jobs.db')) }).stats()).counts.waiting,
    ).toBe(1)
  },
)
