/** Several real processes at one SQLite file. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../src/backends/sqlite/index.ts'
import { newJob } from '../../src/conformance/subject.ts'
import type { Backend, EnqueueResult } from '../../src/queue/backend.ts'

let folder = ''
let path = ''
const children: ChildProcess[] = []
const backends: Backend[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millhand-sharing-'))
  path = join(folder, 'jobs.db')
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const backend of backends.splice(0)) await backend.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(lockTimeout = '30s'): Promise<Backend> {
  const backend = sqlite(path, { durability: 'normal', lockTimeout })
  backends.push(backend)
  await backend.open()
  return backend
}

function start(role: string, name = ''): ChildProcess {
  const child = fork(new URL('./sqlite-child.ts', import.meta.url), [role, path, name], { execArgv: [] })
  children.push(child)
  return child
}

/** The next message of a child. */
async function heard<T>(child: ChildProcess): Promise<T> {
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`the child ended with ${String(code)} before it said anything`)
  })
  const [message] = (await Promise.race([once(child, 'message'), exit])) as [T]
  exit.catch(() => {})
  return message
}

async function add(backend: Backend, count: number): Promise<string[]> {
  const jobs = Array.from({ length: count }, () => newJob())
  const results = await backend.enqueue({ queue: 'q', jobs, maxLength: null })
  return results.map(({ id }) => id)
}

async function count(backend: Backend): Promise<Record<string, number>> {
  return (await backend.stats('q'))[0]!.counts
}

test('twenty processes that open a fresh file at once all get it', async () => {
  const exits = Array.from({ length: 20 }, () => start('open')).map((child) => once(child, 'exit'))
  for (const exit of exits) expect(await exit).toEqual([0, null])
  const backend = await open()
  expect(await count(backend)).toMatchObject({ waiting: 0 })
})

test('three processes share the work: each job is done once, and none of them starves', async () => {
  const backend = await open()
  const ids = await add(backend, 12_000)
  const workers = ['ann', 'bob', 'cy'].map((name) => start('work', name))
  for (const worker of workers) expect(await heard(worker)).toBe('ready')
  const reports = workers.map((worker) => heard<{ done: string[]; at: number }>(worker))
  for (const worker of workers) worker.send('go')
  const all = await Promise.all(reports)
  const done = all.flatMap((report) => report.done)
  expect(done.length).toBe(ids.length)
  expect(new Set(done)).toEqual(new Set(ids))
  for (const report of all) expect(report.done.length).toBeGreaterThan(ids.length / 60)
})

test('a producer in one process wakes an idle worker in another, long before it would look, which idles for free', async () => {
  const backend = await open()
  const worker = start('idle', 'ann')
  await heard(worker)
  await sleep(300)
  worker.send('reset')
  await sleep(1000)
  const usage = heard<{ cpuMs: number }>(worker)
  worker.send('cpu')
  // Of the clock of the CPU. It would be a hundred and more for one that looks every millisecond.
  expect((await usage).cpuMs).toBeLessThan(60)
  const delays: number[] = []
  for (let round = 0; round < 10; round++) {
    const woken = heard<{ wokenAt: number }>(worker)
    const before = Date.now()
    await add(backend, 1)
    delays.push((await woken).wokenAt - before)
    await sleep(20)
  }
  // It looks by itself every second, so that half of them would take longer. A busy machine may be late now and then.
  expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(300)
})

test('a lock that another program holds blocks no event loop, and loses nothing', async () => {
  const backend = await open()
  await add(backend, 10)
  const tool = start('hold')
  await heard(tool)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const writes: Promise<EnqueueResult[]>[] = []
  for (let round = 0; round < 100; round++) {
    writes.push(backend.enqueue({ queue: 'q', jobs: [newJob()], maxLength: null }))
    await sleep(10)
  }
  delay.disable()
  // Who waited for the lock in the call would wait until it is given up: the lock is held until further down.
  expect(delay.max / 1e6).toBeLessThan(2_500)
  // Who only reads does not wait.
  expect(await count(backend)).toMatchObject({ waiting: 10 })
  tool.send('let go')
  const results = (await Promise.all(writes)).flat()
  expect(results.every(({ status }) => status === 'added')).toBe(true)
  // In the order in which they were asked for.
  const seqs = results.map((result) => (result.status === 'added' ? result.seq : 0))
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
  expect(await count(backend)).toMatchObject({ waiting: 110 })
})

test('a lock that is never let go is given up on, with who holds it', async () => {
  const backend = await open('300ms')
  const tool = start('hold')
  await heard(tool)
  await expect(add(backend, 1)).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    retryable: true,
    message: expect.stringMatching(
      process.platform === 'linux'
        ? `jobs.db has been locked for 300ms by process ${tool.pid}; end what holds it`
        : 'jobs.db has been locked for 300ms by another program; end what holds it',
    ) as string,
  })
  tool.send('let go')
  await once(tool, 'exit')
  expect(await add(backend, 1)).toHaveLength(1)
})

test('the jobs of a process that was killed are there again as soon as its owner is released', async () => {
  const backend = await open()
  await add(backend, 12)
  const worker = start('seize', 'ann')
  const { started, claimed } = await heard<{ started: string[]; claimed: number }>(worker)
  expect([claimed, started.length]).toEqual([10, 5])
  worker.kill('SIGKILL')
  await once(worker, 'exit')
  expect(await count(backend)).toMatchObject({ active: 10, waiting: 2 })
  const report = await backend.releaseOwner('ann', { maxCrashes: 3, keepDeadMs: null })
  expect({ ...report, crashed: report.crashed.toSorted() }).toEqual({
    returned: 5,
    crashed: started.toSorted(),
    dead: [],
  })
  expect(await count(backend)).toMatchObject({ active: 0, waiting: 12 })
})
