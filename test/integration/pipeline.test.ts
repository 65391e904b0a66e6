import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
import { MillhandError, Queue, silentLogger as logger } from 'millhand'
import { memory } from 'millhand/memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BETWEEN, createQueues, openQueues } from '../../examples/pipeline/queues.ts'
import type { Report } from '../../examples/pipeline/report.ts'
import { step } from '../../examples/pipeline/step.ts'
import { runsOf } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

/** Programs of the system, not of this package. */
const [SHA256SUM, PGREP] = ['sha256sum', 'pgrep']
const HERE = fileURLToPath(new URL('../..', import.meta.url))

let runs: ReturnType<typeof runsOf>
let input: string
let db: string
beforeEach(() => {
  runs = runsOf('pipeline')
  input = join(runs.folder, 'input')
  db = join(runs.folder, 'data', 'items.db')
  mkdirSync(input)
})
afterEach(() => runs.clean())

/** Real texts: this repository's documents, and the licences of what it depends on. */
function collectTexts(copies = 1): void {
  cpSync(join(HERE, 'docs'), join(input, 'docs'), { recursive: true })
  const licences = globSync('node_modules/**/LICENSE*', { cwd: HERE }).filter(
    (path) => !path.includes('.bin'),
  )
  for (let copy = 0; copy < copies; copy++) {
    const folder = join(input, `licences-${copy}`)
    mkdirSync(folder)
    for (const path of licences) cpSync(join(HERE, path), join(folder, path.replaceAll('/', '+')))
  }
}

/** What there is to find out about the texts, by other means than the pipeline's. */
function expectedRows(): Map<string, { sha256: string; bytes: number; words: number }> {
  const files = readdirSync(input, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const sums = execFileSync(SHA256SUM, files, { encoding: 'utf8', maxBuffer: 2 ** 26 })
    .trim()
    .split('\n')
  const rows = sums.map((line) => {
    const [sha256 = '', path = ''] = line.split('  ')
    const text = readFileSync(path, 'utf8')
    const words = text.split(/\s+/).filter((word) => word !== '').length
    return [path, { sha256, bytes: Buffer.byteLength(text), words }] as const
  })
  return new Map(rows)
}

function savedRows(): Map<string, { sha256: string; bytes: number; words: number }> {
  const database = new DatabaseSync(join(dirname(db), 'items-results.db'), { readOnly: true })
  const rows = database.prepare('SELECT path, sha256, bytes, words FROM text').all()
  database.close()
  return new Map(rows.map(({ path, ...row }) => [String(path), { ...row }])) as never
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0)

/** The one line that `--once --json` prints, with the exit code. */
async function pipeOnce(...args: string[]) {
  const run = runs.start('--once', '--json', '--db', db, ...args, input)
  const code = await run.ended
  expect(run.out(), run.log()).toMatch(/^{.*}\n$/)
  return { code, report: JSON.parse(run.out()) as Report, log: run.log() }
}

const NONE = { fetch: 0, transform: 0, save: 0 }

describe('the pipeline', () => {
  // Without it the numbers could be anything, or the stages could all run in one place.
  test('says of every text what others say of it, by threads and processes of their own', async () => {
    collectTexts()
    const expected = expectedRows()
    const { code, report } = await pipeOnce()
    const count = expected.size
    expect(count).toBeGreaterThan(50)
    expect(report).toMatchObject({ items: count, saved: count, filtered: NONE, dead: NONE, lost: 0 })
    expect(savedRows()).toEqual(expected)
    const rows = [...expected.values()]
    expect(report).toMatchObject({
      texts: count,
      words: sum(rows.map(({ words }) => words)),
      bytes: sum(rows.map(({ bytes }) => bytes)),
      gzipBytes: sum([...expected.keys()].map((path) => gzipSync(readFileSync(path), { level: 9 }).length)),
    })
    expect(code).toBe(0)

    const database = new DatabaseSync(join(dirname(db), 'items-results.db'), { readOnly: true })
    const places = database.prepare('SELECT DISTINCT fetched_by AS f, transformed_by AS t FROM text').all()
    database.close()
    expect(new Set(places.map(({ f }) => f)).size).toBe(1)
    expect(places[0]!['f']).toMatch(/^thread [1-9]/)
    expect(new Set(places.map(({ t }) => t)).size).toBe(report.processes)
  })

  // Without it every start counts everything again.
  test('does nothing again for files that have not changed', async () => {
    writeFileSync(join(input, 'old.txt'), 'two words\n')
    const first = await pipeOnce()
    expect(first.report).toMatchObject({ items: 1, saved: 1, lost: 0, words: 2 })
    const { queues, close } = openQueues(db, logger)
    const [before] = await queues.transform.list()
    writeFileSync(join(input, 'new.txt'), 'three new words\n')
    const second = await pipeOnce()
    expect(second.report).toMatchObject({ items: 2, saved: 2, lost: 0, words: 5 })
    expect(await queues.transform.get(before!.id)).toEqual(before)
    await close()
  })

  // Without it a bad item disappears, or keeps the others from being done.
  test('ends on purpose what is not for it, and keeps what fails as a dead letter of its stage', async () => {
    writeFileSync(join(input, 'good.txt'), 'one two two\n')
    writeFileSync(join(input, 'empty.txt'), '')
    writeFileSync(join(input, 'blank.txt'), ' \n\t\n')
    writeFileSync(join(input, 'large.txt'), 'x'.repeat(600_000))
    writeFileSync(join(input, 'picture.png'), Buffer.from([0x89, 0x50, 0, 1]))
    writeFileSync(join(input, 'latin1.txt'), Buffer.from([0x66, 0xfc, 0x72]))
    const { code, report, log } = await pipeOnce()
    expect(report, log).toMatchObject({
      ...{ items: 6, saved: 1, lost: 0, texts: 1, words: 3 },
      filtered: { fetch: 3, transform: 1, save: 0 },
      dead: { fetch: 1, transform: 0, save: 0 },
    })
    expect(code).toBe(0)
    const { queues, close } = openQueues(db, logger)
    const [letter] = await queues.fetch.dead.list()
    await close()
    expect(letter!.payload).toMatchObject({ errorType: 'NON_RETRYABLE' })
    expect(basename((letter!.payload.original.payload as { path: string }).path)).toBe('latin1.txt')
  })

  // Without it a slow stage is buried under what a fast one brings.
  test('waits, back to its source, when a stage takes nothing, and goes on when it does', async () => {
    collectTexts(2)
    const { queues, close } = openQueues(db, logger)
    await queues.save.pause()
    const run = runs.start('--once', '--json', '--db', db, '--processes', '1', input)
    const unfinished = async (stage: keyof typeof BETWEEN): Promise<number> => {
      const { waiting, delayed, active } = (await queues[stage].stats()).counts
      return waiting + delayed + active
    }
    // From the end on: a queue that is full loses nothing once the next one is.
    const all = async () => {
      const save = await unfinished('save')
      const transform = await unfinished('transform')
      return { fetch: await unfinished('fetch'), transform, save }
    }
    const isFull = async () => isDeepStrictEqual(await all(), BETWEEN)
    await until(isFull, { timeout: '30s', what: 'all queues to be full' })
    // For longer than an add waits for room.
    for (let look = 0; look < 50; look++) {
      await sleep(50)
      expect(await all()).toEqual(BETWEEN)
    }
    await queues.save.resume()
    expect(await run.ended, run.log()).toBe(0)
    const count = expectedRows().size
    expect(count).toBeGreaterThan(BETWEEN.fetch + BETWEEN.transform + BETWEEN.save)
    expect(JSON.parse(run.out())).toMatchObject({ items: count, saved: count, dead: NONE, lost: 0 })
    await close()
  })
})

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  try {
    return execFileSync(PGREP, ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number)
  } catch {
    return []
  }
}

describe('a process that is killed with -9', () => {
  // Without it an item is lost whenever the system runs out of memory.
  test('while it transforms loses nothing: another takes over what it had', async () => {
    collectTexts(2)
    const expected = expectedRows()
    const run = runs.start('--once', '--json', '--db', db, input)
    const { queues, close } = openQueues(db, logger)
    for (let kills = 1; kills <= 2; kills++) {
      // Else one of them may do all the work before the other one is there.
      await queues.transform.pause()
      await until(() => childrenOf(run.child.pid!).length === 2, { what: 'both processes to be there' })
      await queues.transform.resume()
      await until(async () => (await queues.transform.list({ states: ['active'] })).length > 0, {
        ...{ what: 'them to be busy', every: 1 },
      })
      const [victim] = childrenOf(run.child.pid!)
      process.kill(victim!, 'SIGKILL')
      await until(() => run.log().split('SIGKILL').length > kills, { what: 'the kill to be noticed' })
    }
    await close()
    expect(await run.ended, run.log()).toBe(0)
    const report = JSON.parse(run.out()) as Report
    const count = expected.size
    expect(report).toMatchObject({ items: count, saved: count, dead: NONE, lost: 0 })
    expect(savedRows()).toEqual(expected)
    expect(report.processes).toBeGreaterThan(2)
  })

  test('as a whole loses nothing: the next run goes on', async () => {
    collectTexts(2)
    const expected = expectedRows()
    const first = runs.start('--once', '--json', '--db', db, input)
    const { queues, close } = openQueues(db, logger)
    await until(async () => (await queues.save.stats()).counts.done > 20)
    const children = childrenOf(first.child.pid!)
    first.child.kill('SIGKILL')
    expect(await first.ended).toBe('SIGKILL')
    await close()
    expect(children.length).toBeGreaterThan(0)
    await until(() => children.every((pid) => !isAlive(pid)), { what: 'the orphans to end' })

    const { code, report } = await pipeOnce()
    const count = expected.size
    expect(report).toMatchObject({ items: count, saved: count, dead: NONE, lost: 0, texts: count })
    expect(savedRows()).toEqual(expected)
    expect(code).toBe(0)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a step between two stages', () => {
  const statistics = { path: 'a', modifiedMs: 1, text: 'a', fetchedBy: 'thread 1' }
  const open = () => createQueues(memory(), logger)

  test('makes what its work throws a dead letter of its own stage, when trying again did not help', async () => {
    const { fetch, transform } = open()
    const { id } = await fetch.add('item', { path: 'a', modifiedMs: 1 }, { maxRetries: 0 })
    const broken = step((): typeof statistics => {
      throw new MillhandError('NOT_FOUND', 'it is gone')
    }, transform)
    await fetch.worker({ item: broken }, { logger }).drainOnce()
    expect(await fetch.dead.get(id)).toMatchObject({ payload: { error: 'it is gone' } })
    expect((await transform.stats()).counts).toMatchObject({ waiting: 0 })
  })

  test('passes an item on once, however often it runs', async () => {
    const { fetch, transform } = open()
    await fetch.add('item', { path: 'a', modifiedMs: 1 }, { id: 'one', maxRetries: 1 })
    let runs = 0
    const passOn = step(() => statistics, transform)
    const item: typeof passOn = async (job, context) => {
      const fate = await passOn(job, context)
      if (++runs === 1) throw new Error('it died before its end was known')
      return fate
    }
    const worker = fetch.worker({ item }, { logger })
    await worker.start()
    await until(async () => (await fetch.stats()).counts.done === 1)
    await worker.stop()
    expect(runs).toBe(2)
    expect((await transform.stats()).counts.waiting).toBe(1)
    expect(await transform.get('one')).toMatchObject({ state: 'waiting' })
  })

  test('puts an item off for which there is no room, without spending an attempt', async () => {
    const backend = memory()
    const jobs = { item: z.int() }
    const from = new Queue('from', { backend, jobs })
    const full = new Queue('full', { backend, jobs, maxLength: 1 })
    await full.add('item', 0)
    const { id } = await from.add('item', 1)
    const worker = from.worker({ item: step((n: number) => n, full) }, { logger })
    await worker.start()
    await until(async () => (await from.get(id))?.state === 'delayed')
    expect(await from.get(id)).toMatchObject({ attempt: 0 })
    await full.cancel((await full.list())[0]!.id)
    await until(async () => (await full.list()).some((job) => job.id === id))
    await worker.stop()
    expect(worker.errorCount).toBe(0)
  })
})
