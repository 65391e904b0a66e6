/** Handlers that hang, block or throw anything, run as a user runs them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, type JobInput, type JobSchemas } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { expect, test } from 'vitest'
import { start } from '../fixtures/cli/command.ts'
import { until } from '../fixtures/until.ts'

const FILE = fileURLToPath(new URL('../fixtures/cli/misbehaves.ts', import.meta.url))
const AT_ONCE = ['hangs', 'throwsUndefined', 'throwsFrozen', ...Array<string>(50).fill('welcome')]
/** They start together, when the thread that renews the leases does so and nothing else is in hand. */
const LATER = ['waits', 'blocks', 'waits', 'welcome']

type Input = JobInput<JobSchemas>
const byType = ([a]: readonly string[], [b]: readonly string[]): number => (a! < b! ? -1 : 1)

test('handlers that misbehave end with a reason, cost their neighbours nothing, and do not keep the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millhand-handlers-'))
  const path = join(folder, 'jobs.db')
  const mail = new Queue('mail', { backend: sqlite(path) })
  const job = (type: string): Input => ({ type, payload: {} })
  await mail.addMany(AT_ONCE.map(job))
  const command = start(['run', FILE], { env: { DB: path } })
  try {
    const settled = async (): Promise<boolean> => {
      const { waiting, active, delayed } = (await mail.stats()).counts
      return waiting + active + delayed === 0
    }
    await command.printed('leases are renewed')
    await until(settled, { what: 'the first jobs to be settled' })
    await mail.addMany(LATER.map(job))
    await until(settled, { what: 'every job to be settled' })
    command.child.kill('SIGTERM')
    const { code, err } = await command.ended
    expect(code).toBe(0)

    const letters = await mail.dead.list()
    const reasons = letters.map(({ payload }) => [payload.original.type, payload.errorType, payload.error])
    expect(reasons.toSorted(byType)).toEqual([
      [
        'hangs',
        'JOB_TIMEOUT',
        expect.stringMatching(/^job \w+ \(hangs\) did not end within its timeout of 1s; hand /),
      ],
      ['throwsFrozen', 'RangeError', 'too cold'],
      ['throwsUndefined', 'Error', 'a value that is not an Error was thrown: undefined'],
    ])
    const stalled = err.split('\n').find((line) => line.includes('the event loop was blocked for at least'))
    expect(stalled).toContain('(blocks)')
    expect(err).toContain('a handler goes on although its signal was aborted')
    // No lease was lost while the loop was blocked for more than twice as long.
    expect((await mail.list()).filter(({ crashes }) => crashes > 0)).toEqual([])
    expect((await mail.stats()).counts).toMatchObject({ done: 54, dead: 3 })
  } finally {
    command.child.kill('SIGKILL')
    await command.ended
    await mail.close()
    await rm(folder, { recursive: true })
  }
})
