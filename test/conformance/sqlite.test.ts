import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { sqlite, type SqliteClient } from '../../src/backends/sqlite/index.ts'
import { conformanceCases, type Harness, runnable } from '../../src/conformance/index.ts'
import { FakeClock } from '../../src/core/clock.ts'
import type { Backend } from '../../src/queue/backend.ts'

const BetterSqlite3 = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => SqliteClient

const folder = mkdtempSync(join(tmpdir(), 'millhand-sqlite-'))
let files = 0

/** Every opening is a connection of its own to the same file. */
async function harness(
  connect: (path: string) => { location: string | SqliteClient; end: () => void },
  makeClient: (path: string) => SqliteClient,
): Promise<Harness> {
  const clock = new FakeClock()
  const path = join(folder, `${++files}.db`)
  const opened: { backend: Backend | undefined; end: () => void }[] = []
  return {
    async open() {
      const { location, end } = connect(path)
      // No power cuts here: leave the disk alone.
      const backend = sqlite(location, { clock, durability: 'normal' })
      opened.push({ backend, end })
      await backend.open()
      return backend
    },
    pass: async (ms) => clock.advance(ms),
    jumpWall: async (ms) => clock.jump(ms),
    transaction: async () => {
      const client = makeClient(path)
      client.exec('BEGIN IMMEDIATE')
      opened.push({ backend: undefined, end: () => client.close() })
      return {
        client,
        commit: async () => void client.exec('COMMIT'),
        rollBack: async () => void client.exec('ROLLBACK'),
      }
    },
    async close() {
      for (const { backend, end } of opened) {
        await backend?.close()
        end()
      }
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
    },
  }
}

describe('a file, through node:sqlite', () => {
  const open = (): Promise<Harness> =>
    harness(
      (path) => ({ location: path, end: () => {} }),
      (path) => new DatabaseSync(path),
    )
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})

describe('a file, through a better-sqlite3 client', () => {
  const open = (): Promise<Harness> =>
    harness(
      (path) => {
        const client = new BetterSqlite3(path)
        return { location: client, end: () => client.close() }
      },
      (path) => new BetterSqlite3(path),
    )
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})

describe('a database in memory', () => {
  const open = async (): Promise<Harness> => {
    const clock = new FakeClock()
    const backend = sqlite(':memory:', { clock })
    await backend.open()
    return {
      open: async () => backend,
      pass: async (ms) => clock.advance(ms),
      jumpWall: async (ms) => clock.jump(ms),
      close: () => backend.close(),
    }
  }
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})
