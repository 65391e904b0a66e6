/** Queue workers in several real processes at one SQLite file: what dies, stops or blocks harms no other. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqlite } from '../../src/backends/sqlite/index.ts'
import { silentLogger as logger } from '../../src/core/logger.ts'
import { Queue } from '../../src/queue/queue.ts'
import { recordEvents } from '../../src/testing/record-events.ts'
import { until } from '../fixtures/until.ts'

let folder = ''
let queue: Queue
const children = new Set<ChildProcess>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millhand-queue-'))
  const backend = sqlite(join(folder, 'jobs.db'), { durability: 'normal' })
  queue = new Queue('mail', { backend, retention: { done: '1h' } })
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await queue.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Child {
  readonly process: ChildProcess
  readonly said: Record<string, unknown>[]
  readonly exit: Promise<unknown>
}

function start(kind: string): Child {
  const file = new URL('../fixtures/queue/worker.ts', import.meta.url)
  const child = fork(file, [kind, join(folder, 'jobs.db')], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  children.add(child)
  const said: Child['said'] = []
  child.on('message', (message) => said.push(message as Record<string, unknown>))
  return { process: child, said, exit: once(child, 'exit').then(([code]: unknown[]) => code) }
}

const heard = (child: Child, name: string): Promise<unknown> =>
  until(() => child.said.find((message) => name in message)?.[name], {
    what: `to hear of ${name}`,
  })

describe('an exception that nobody catches', () => {
  it('is blamed on its own job, which is then run alone, and dead when it has crashed too often', async () => {
    await queue.addMany(Array.from({ length: 4 }, (_, n) => ({ type: 'good', payload: n })))
    const { id } = await queue.add('bad', 'x')
    expect(await start('single').exit).toBe(1)
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', crashes: 1, error: { message: 'boom' } })
    const good = await queue.list({ types: ['good'] })
    expect(good.map(({ state, crashes, attempt }) => [state, crashes, attempt])).toEqual(
      Array.from({ length: 4 }, () => ['waiting', 0, 0]),
    )

    // The good ones are finished before the suspect is run again.
    expect(await start('single').exit).toBe(1)
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', crashes: 2 })
    expect((await queue.list({ types: ['good'] })).map(({ state }) => state)).toEqual(Array(4).fill('done'))

    expect(await start('single').exit).toBe(1)
    expect(await queue.get(id)).toMatchObject({ state: 'dead', crashes: 3, error: { code: 'JOB_CRASHED' } })
  })

  it('in a batch is found out job by job', async () => {
    await queue.addMany(['good', 'bad', 'good'].map((type) => ({ type, payload: 1 })))
    for (let lives = 1; lives <= 5; lives++) {
      const child = start('batch')
      const settled = until(
        async () => (await queue.stats()).counts.done === 2 && (await queue.dead.list()).length === 1,
      )
      const ended = await Promise.race([child.exit, settled.then(() => 'settled').catch(() => 'settled')])
      if (ended === 'settled') break
      expect(ended).toBe(1)
    }
    expect((await queue.stats()).counts).toMatchObject({ done: 2, dead: 1, waiting: 0, active: 0 })
    expect(await queue.dead.list()).toMatchObject([{ payload: { original: { type: 'bad', crashes: 3 } } }])
  })
})

describe('a worker whose event loop is blocked for longer than its lease', () => {
  it('keeps the jobs of the neighbours, for their leases are renewed by a thread', async () => {
    const child = start('blocked')
    const { id } = await queue.add('patient', 'neighbour')
    await heard(child, 'began')
    await heard(child, 'renews')
    const watcher = queue.worker({ patient: () => 'by the watcher' }, { lease: 500, logger })
    const events = recordEvents(watcher)
    await watcher.start()
    await queue.add('greedy', 2_500)
    await until(async () => (await queue.get(id))?.state === 'done')
    expect(await queue.get(id)).toMatchObject({ result: 'by the child', crashes: 0, attempt: 0 })
    expect(events.of('reaped')).toEqual([])
    await watcher.stop()
    child.process.kill('SIGTERM')
    expect(await child.exit).toBe(0)
  })
})

describe('a worker that was stopped for longer than its lease and goes on', () => {
  it('hears that its lease is lost, and its late result changes nothing', async () => {
    const child = start('blocked')
    const { id } = await queue.add('patient', 'mine')
    await heard(child, 'began')
    child.process.kill('SIGSTOP')
    const watcher = queue.worker({ patient: () => 'by the watcher' }, { lease: 500, logger })
    const events = recordEvents(watcher)
    await watcher.start()
    await until(async () => (await queue.get(id))?.state === 'done')
    expect(events.of('reaped').flatMap(({ crashed }) => crashed)).toEqual([id])
    await watcher.stop()
    child.process.kill('SIGCONT')
    expect(await heard(child, 'aborted')).toBe('LEASE_LOST')
    expect(await heard(child, 'stale')).toBe(1)
    expect(await queue.get(id)).toMatchObject({ state: 'done', result: 'by the watcher', crashes: 1 })
  })
})

describe('a worker that is killed', () => {
  it('leaves its jobs to others after its lease, the running ones as suspects', async () => {
    const child = start('blocked')
    const { id } = await queue.add('patient', 'orphan')
    await heard(child, 'began')
    child.process.kill('SIGKILL')
    await child.exit
    const heir = queue.worker({ patient: () => 'by the heir' }, { lease: 500, logger })
    await heir.start()
    await until(async () => (await queue.get(id))?.state === 'done')
    await heir.stop()
    expect(await queue.get(id)).toMatchObject({ result: 'by the heir', crashes: 1, attempt: 0 })
  })
})
