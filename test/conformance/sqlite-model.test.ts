/** Random lives of a SQLite file, and of the connections that use it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, test } from 'vitest'
import { sqlite } from '../../src/backends/sqlite/index.ts'
import { FakeClock } from '../../src/core/clock.ts'
import type { Backend } from '../../src/queue/backend.ts'
import { lives, liveThrough, MAX_PAYLOAD_BYTES } from './random-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'millhand-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

test(
  'SQLite answers and holds what the memory store does, whatever happens',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        const clock = new FakeClock()
        const path = join(folder, `${++files}.db`)
        const opened: Backend[] = []
        const open = async (): Promise<Backend> => {
          const backend = sqlite(path, { clock, durability: 'normal', maxPayloadBytes: MAX_PAYLOAD_BYTES })
          opened.push(backend)
          await backend.open()
          return backend
        }
        try {
          await liveThrough(steps, { clock }, await open(), async (old, crash) => {
            // What crashes leaves its connection and its log as they are.
            if (!crash) await old.close()
            return open()
          })
        } finally {
          for (const backend of opened) await backend.close()
          for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
        }
      }),
      { numRuns: Number(process.env['MILLHAND_MODEL_RUNS'] ?? 100) },
    )
  },
)
