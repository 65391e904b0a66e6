/** Handlers in threads and processes that complete their jobs in transactions of their own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { recordEvents } from '../../src/testing/record-events.ts'
import { until } from '../fixtures/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'millhand-completing-'))
const path = join(folder, 'jobs.db')
vi.stubEnv('MILLHAND_COMPLETING', path)
const { effects, inProcess, inThread } = await import('../fixtures/placed/completing.ts')

beforeAll(async () => {
  await effects.stats()
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE effect (job TEXT)')
  db.close()
})
afterAll(async () => {
  await effects.close()
  rmSync(folder, { recursive: true })
})

test.each([
  ['thread', inThread],
  ['process', inProcess],
])('in a %s: the effects of a job and its end are there together, exactly once', async (_, worker) => {
  const ids: string[] = []
  for (const payload of ['commits', 'rolls back', 'throws'])
    ids.push((await effects.add('complete', payload)).id)
  const events = recordEvents(worker)
  await worker.start()
  await until(() => events.attempts().length >= 4, { timeout: '20s' })
  await worker.stop()
  expect(events.outcomes().toSorted()).toEqual(['done', 'done', 'done', 'retry'])
  const db = new DatabaseSync(path)
  const rows = db
    .prepare('SELECT job FROM effect')
    .all()
    .map(({ job }) => String(job))
  db.exec('DELETE FROM effect')
  db.close()
  expect(rows.toSorted()).toEqual(ids.toSorted())
  expect((await effects.stats()).counts).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0 })
})
