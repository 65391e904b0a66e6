/** What a queue worker in a dead thread or process had claimed is given back at once, not when its lease is over. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Queue, silentLogger, WorkerHandle } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { Consumer, ThreadConsumer } from '../fixtures/queue/placed.ts'
import { until } from '../fixtures/until.ts'

let folder = ''
let queue: Queue
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millhand-claims-'))
  queue = new Queue('work', { backend: sqlite(join(folder, 'jobs.db')) })
})
afterEach(async () => {
  await queue.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each([
  ['process', Consumer],
  ['thread', ThreadConsumer],
] as const)('of a %s with a lease of an hour', async (_placement, workerClass) => {
  const path = join(folder, 'jobs.db')
  const handle = new WorkerHandle(workerClass, { path, logger: silentLogger })
  const { id } = await queue.add('waits', {})
  await handle.start()
  const state = async () => (await queue.get(id))?.state
  await until(async () => (await state()) === 'active', { what: 'the job to run' })
  const { pid, threadId } = handle.status()
  if (threadId === undefined) process.kill(pid!, 'SIGKILL')
  else handle.send('die')
  await handle.join()
  expect(handle.state).toBe('failed')
  const job = await queue.get(id)
  expect(job?.state).toBe('waiting')
  // It had started, so it is not handed back as if nothing had been.
  expect(job?.crashes).toBe(1)
})
