/** What is found at the path, and what is said of it when it cannot be used. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../src/backends/sqlite/database.ts'
import { isBusy } from '../../../src/backends/sqlite/failure.ts'
import { fromUrl, sqlite } from '../../../src/backends/sqlite/index.ts'
import { migrateStep } from '../../../src/backends/sqlite/migrate.ts'
import { newJob } from '../../../src/conformance/subject.ts'
import type { Backend } from '../../../src/queue/backend.ts'

const root = mkdtempSync(join(tmpdir(), 'millhand-files-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let files = 0
let path = ''
beforeEach(() => {
  path = join(root, `${++files}.db`)
})

async function used(backend: Backend): Promise<Backend> {
  await backend.open()
  await backend.enqueue({ queue: 'q', jobs: [newJob({ id: 'first' })], maxLength: null })
  return backend
}

/** What another process does that opens it at this moment, where nothing holds it up. */
function madeByAnother(location: string): void {
  const other = new DatabaseSync(location, { timeout: 0 })
  try {
    while (migrateStep(new Database(other, location)));
  } catch (error) {
    if (!isBusy(error)) throw error
  } finally {
    other.close()
  }
}

/** What opening says, when it must fail. */
async function refusal(location: string): Promise<{ code?: string; message: string; retryable?: boolean }> {
  const error: unknown = await sqlite(location)
    .open()
    .then(
      () => new Error('it was opened'),
      (thrown: unknown) => thrown,
    )
  return error as { message: string }
}

describe('a database file', () => {
  test('of another program is refused and not touched', async () => {
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES (1)')
    other.close()
    const before = readFileSync(path)
    const error = await refusal(path)
    expect(error).toMatchObject({ code: 'BACKEND_FOREIGN', retryable: false })
    expect(error.message).toContain(path)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('with the mark of another program is refused even when it is empty', async () => {
    const other = new DatabaseSync(path)
    other.exec('PRAGMA application_id = 7')
    other.close()
    expect(await refusal(path)).toMatchObject({ code: 'BACKEND_FOREIGN' })
  })

  test('of a newer version is refused and not touched', async () => {
    await (await used(sqlite(path))).close()
    const newer = new DatabaseSync(path)
    newer.exec("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    newer.close()
    const before = readFileSync(path)
    const error = await refusal(path)
    expect(error).toMatchObject({ code: 'BACKEND_NEWER', retryable: false })
    expect(error.message).toContain(path)
    expect(error.message).toContain('99')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('that is no database is called damaged', async () => {
    writeFileSync(path, 'Dear diary,\n'.repeat(1000))
    const error = await refusal(path)
    expect(error).toMatchObject({ code: 'BACKEND_CORRUPT', retryable: false })
    expect(error.message).toContain(path)
  })

  test('that was overwritten in the middle is called damaged', async () => {
    await (await used(sqlite(path))).close()
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 100)
    writeFileSync(path, bytes)
    expect(await refusal(path)).toMatchObject({ code: 'BACKEND_CORRUPT' })
  })

  test('that another process makes while it is looked at is never mistaken for a stranger’s', async () => {
    let made = 0
    // Each of the statements in turn finds that another connection has just made the schema.
    for (let at = 1; at === made + 1; at++) {
      path = join(root, `${++files}.db`)
      const client = new DatabaseSync(path)
      let statements = 0
      const before = <T>(act: () => T): T => {
        if (++statements === at) {
          made = at
          madeByAnother(path)
        }
        return act()
      }
      const backend = sqlite({
        exec: (sql) => before(() => client.exec(sql)),
        prepare: (sql) => before(() => client.prepare(sql)),
        close: () => {},
      })
      await used(backend)
      await backend.close()
      client.close()
    }
    expect(made).toBeGreaterThan(5)
  })

  test('of no bytes at all is a fresh one', async () => {
    writeFileSync(path, '')
    await (await used(sqlite(path))).close()
  })

  test('in a folder that is not there names the folder', async () => {
    const error = await refusal(join(root, 'nowhere', 'jobs.db'))
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: false })
    expect(error.message).toContain(`there is no folder ${join(root, 'nowhere')}`)
  })

  test('that is a folder says so', async () => {
    mkdirSync(path)
    expect((await refusal(path)).message).toContain(`${path}: it is a folder`)
  })

  test('whose folder came to be meanwhile is opened by the same backend', async () => {
    const folder = join(root, 'late')
    const backend = sqlite(join(folder, 'jobs.db'))
    await expect(backend.open()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    mkdirSync(folder)
    await (await used(backend)).close()
  })

  test.skipIf(process.platform === 'win32')('that may not be written says what to allow', async () => {
    await (await used(sqlite(path))).close()
    chmodSync(path, 0o444)
    chmodSync(root, 0o555)
    try {
      // Nothing is forbidden to root, so it is tried by nobody.
      const source = `
        const { sqlite } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/backends/sqlite/index.ts'))})
        await sqlite(${JSON.stringify(path)}).open().catch((error) => console.log(error.code + ' ' + error.message))`
      const isRoot = process.getuid?.() === 0
      chmodSync(root, 0o555)
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
        encoding: 'utf8',
        ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
      })
      expect(stdout + stderr).toMatch(/^BACKEND_UNAVAILABLE cannot (write to|open) .*\.db: /)
    } finally {
      chmodSync(root, 0o755)
    }
  })

  test('that is full refuses what is new, keeps what it has, and goes on when there is space', async () => {
    const client = new DatabaseSync(path)
    const backend = await used(sqlite(client))
    client.exec('PRAGMA max_page_count = 40')
    const jobs = Array.from({ length: 100 }, () => newJob({ payload: 'x'.repeat(10_000) }))
    await expect(backend.enqueue({ queue: 'q', jobs, maxLength: null })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('is full') as string,
    })
    expect((await backend.stats('q'))[0]!.counts.waiting).toBe(1)
    client.exec('PRAGMA max_page_count = 100000')
    await backend.enqueue({ queue: 'q', jobs, maxLength: null })
    expect((await backend.stats('q'))[0]!.counts.waiting).toBe(101)
    await backend.close()
    client.close()
  })

  test('is left without a log when the last one closes it', async () => {
    await (await used(sqlite(path))).close()
    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe('after another boot of the machine', () => {
  test('nothing is left of the leases of the one before', async () => {
    const first = await used(sqlite(path))
    const request = {
      queue: 'q',
      types: ['mail'],
      owner: 'ann',
      token: 'ann:1',
      limit: 1,
      maxBytes: 1000,
      start: 0,
      leaseMs: 3_600_000,
      renewForMs: null,
      suspects: 'none',
    } as const
    expect((await first.claim(request)).jobs).toHaveLength(1)
    await first.close()
    const tool = new DatabaseSync(path)
    tool.exec("UPDATE meta SET value = 'another boot' WHERE name = 'boot_id'")
    tool.close()
    const second = sqlite(path)
    await second.open()
    const upkeep = {
      queue: 'q',
      types: ['mail'],
      maxCrashes: 3,
      keepDeadMs: null,
      leaseMs: 3_600_000,
      unhandledGraceMs: 1e6,
      limit: 100,
    }
    expect(await second.maintain(upkeep)).toMatchObject({ returned: 1 })
    await second.close()
  })
})

describe('the URL', () => {
  test('of a file leads another opening to the same jobs', async () => {
    const odd = join(root, 'a folder #1 100%?')
    mkdirSync(odd, { recursive: true })
    const backend = await used(sqlite(join(odd, 'jobs.db'), { durability: 'normal' }))
    const { url } = backend.capabilities
    const other = fromUrl(url!)
    await other.open()
    expect(await other.get('q', 'first')).toMatchObject({ id: 'first' })
    expect(other.capabilities.url).toBe(url)
    const third = fromUrl(new URL(url!))
    expect(third.capabilities.url).toBe(url)
    await Promise.all([backend.close(), other.close()])
  })

  test('is absent where others cannot follow', () => {
    const clock = { wall: () => 0, monotonic: () => 0 }
    expect(sqlite(':memory:').capabilities.url).toBeNull()
    expect(sqlite(path, { clock }).capabilities.url).toBeNull()
    const client = new DatabaseSync(':memory:')
    expect(sqlite(client).capabilities.url).toBeNull()
    client.close()
  })

  test.each([
    'postgres://localhost',
    'sqlite:',
    'sqlite:jobs.db?durable=full',
    'sqlite:jobs.db?durability=max',
  ])('%s is refused', (url) => {
    expect(() => fromUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
  })
})

describe('the capabilities', () => {
  test('of a client say whether its database outlives it', () => {
    const inMemory = new DatabaseSync(':memory:')
    const inFile = new DatabaseSync(path)
    expect(sqlite(inMemory).capabilities).toMatchObject({ durable: false, sharedBy: 'process' })
    expect(sqlite(inFile).capabilities).toMatchObject({ durable: true, sharedBy: 'machine' })
    inMemory.close()
    inFile.close()
  })
})

describe('the options', () => {
  test.each([
    ['a path', () => sqlite('')],
    ['a client', () => sqlite({} as never)],
    ['durability', () => sqlite(path, { durability: 'fast' as never })],
    ['maxPayloadBytes', () => sqlite(path, { maxPayloadBytes: -1 })],
    ['an unknown name', () => sqlite(path, { durabilty: 'full' } as never)],
  ])('are checked: %s', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
  })
})

describe('a backend', () => {
  test('that was not opened, or was closed, says so', async () => {
    const backend = sqlite(path)
    await expect(backend.stats()).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await used(backend)
    await Promise.all([backend.open(), backend.close(), backend.close()])
    await expect(backend.stats()).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await expect(backend.open()).rejects.toMatchObject({ code: 'INVALID_STATE' })
  })

  test('that is closed first finishes what it was asked', async () => {
    const backend = await used(sqlite(path))
    const jobs = Array.from({ length: 5000 }, () => newJob())
    const adding = backend.enqueue({ queue: 'q', jobs, maxLength: null })
    const closing = backend.close()
    expect((await adding).every(({ status }) => status === 'added')).toBe(true)
    await closing
    const again = sqlite(path)
    await again.open()
    expect((await again.stats('q'))[0]!.counts.waiting).toBe(5001)
    await again.close()
  })

  test('leaves a client that it was given open', async () => {
    const client = new DatabaseSync(path)
    await (await used(sqlite(client))).close()
    expect(client.prepare('SELECT count(*) AS n FROM job').get()).toEqual({ n: 1 })
    client.close()
  })
})
