/** Handlers of a queue in threads and in processes: the same semantics as on the event loop of the worker. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Queue } from '../../src/queue/queue.ts'
import { memory } from '../../src/backends/memory/index.ts'
import { recordEvents } from '../../src/testing/record-events.ts'
import { captureLogger } from '../../src/testing/index.ts'
import { inProcess, inThread, next, work } from '../fixtures/placed/jobs.ts'
import { until } from '../fixtures/until.ts'

const WITHIN = { what: 'the job to end' } as const
const ended = async (id: string, states: readonly string[] = ['done', 'dead', 'cancelled']) =>
  until(async () => {
    const job = await work.get(id)
    return job !== undefined && states.includes(job.state) ? job : undefined
  }, WITHIN)

const add = async (type: string, payload: object = {}, options: object = {}) =>
  (await work.add(type, payload, options)).id

/** Claimed is not begun: what was only claimed may be handed back. */
const begun = (id: string) =>
  until(async () => (await work.get(id))?.progress === 'begun', { what: 'the job to begin' })

describe.each([
  ['thread', inThread],
  ['process', inProcess],
] as const)('handlers in a %s', (placement, template) => {
  /** The worker of the module, made again with other options: the module is where its threads find it. */
  const worker = (options: object = {}) =>
    work.worker(Object.fromEntries(template.types().map((type) => [type, () => 'here'])), {
      ...{ placement, name: template.name, concurrency: 4, workers: 2 },
      ...{ module: new URL('../fixtures/placed/jobs.ts', import.meta.url).href },
      ...options,
    })
  let live = worker()
  const run = async (options: object = {}) => {
    live = worker(options)
    await live.start()
    return live
  }

  afterEach(async () => {
    await live.stop()
    const jobs = await work.list({})
    for (const { id } of jobs) await work.cancel(id).catch(() => {})
  })

  test('run somewhere else, and their results come back', async () => {
    await run()
    const { result } = await ended(await add('where'))
    const here = placement === 'process' ? { pid: process.pid } : { pid: process.pid, threadId: 0 }
    expect(result).not.toMatchObject(here)
  })

  test('have a payload that is validated, progress, and a logger that writes here', async () => {
    const logger = captureLogger()
    await run({ logger })
    const job = await ended(await add('add', { n: 41 }))
    expect(job).toMatchObject({ state: 'done', result: 42 })
    expect(logger.lines).toContainEqual(
      expect.objectContaining({ message: 'adding', fields: expect.objectContaining({ n: 41, type: 'add' }) }),
    )
  })

  test('fail with the error that they threw, its class, stack and cause', async () => {
    const events = recordEvents(await run())
    const { error } = await ended(await add('fails'))
    expect(error).toMatchObject({ name: 'TypeError', message: 'no such thing' })
    expect(error?.stack).toContain('jobs.ts')
    expect(error?.stack).toContain('beneath')
    await until(() => events.attempts()[0], WITHIN)
    expect(events.attempts()[0]!.error).toBeInstanceOf(TypeError)
  })

  test('are not tried again when they say so', async () => {
    await run()
    expect(await ended(await add('never', {}, { maxRetries: 5 }))).toMatchObject({ state: 'dead' })
  })

  test('put a job off, and add follow-up jobs with its success', async () => {
    await run()
    expect((await ended(await add('later'), ['delayed'])).state).toBe('delayed')
    await ended(await add('follows'))
    expect(await next.list({})).toMatchObject([{ type: 'step', payload: { n: 7 } }])
    await next.purge(['waiting'])
  })

  test('that block are ended at their timeout; others go on meanwhile, and after it', async () => {
    await run({ timeout: '1s' })
    const blocked = await add('blocks')
    const others = await Promise.all([add('add'), add('add'), add('add')])
    for (const id of others) expect(await ended(id)).toMatchObject({ state: 'done' })
    expect(await ended(blocked)).toMatchObject({ state: 'dead', error: { code: 'JOB_TIMEOUT' } })
    expect(await ended(await add('add', { n: 1 }))).toMatchObject({ result: 2 })
  })

  test('that block for longer than the lease keep it', async () => {
    const events = recordEvents(await run({ lease: '1s', timeout: '30s' }))
    expect(await ended(await add('hangsLoop', { n: 3_000 }))).toMatchObject({ state: 'done', attempt: 0 })
    expect(events.of('stale')).toEqual([])
    expect(events.outcomes()).toEqual(['done'])
  })

  test('that end their thread or process count a crash; the job runs again, alone, and others are unharmed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millhand-placed-'))
    const events = recordEvents(await run())
    const id = await add('diesOnce', { file: join(folder, 'died') })
    expect(await ended(id)).toMatchObject({ state: 'done', result: 'second', crashes: 1 })
    expect(events.outcomes()).toEqual(['crash', 'done'])
    expect(await ended(await add('dies'))).toMatchObject({ state: 'dead' })
    expect(await ended(await add('add', { n: 2 }))).toMatchObject({ result: 3 })
    rmSync(folder, { recursive: true })
  })

  test('hear of a cancel by their signal', async () => {
    const events = recordEvents(await run())
    const id = await add('waits')
    await begun(id)
    await work.cancel(id)
    await until(() => events.outcomes().includes('cancelled'), WITHIN)
  })

  test('run no more at a time than they may, however short they are', async () => {
    // Else a handler that is limited on purpose, for a database say, is not.
    await run({ concurrency: 4, workers: 2 })
    const ids = await Promise.all(Array.from({ length: 400 }, () => add('counts')))
    const most = await Promise.all(ids.map(async (id) => (await ended(id)).result as number))
    expect(Math.max(...most)).toBeLessThanOrEqual(2)
  })

  test('do not keep what waits behind those that take longer than any before', async () => {
    // Else jobs that others could run wait here for as long as one of ours does.
    await run({ concurrency: 2, workers: 2 })
    for (let n = 0; n < 3; n++) {
      const ids = await Promise.all(Array.from({ length: 50 }, () => add('counts')))
      await Promise.all(ids.map((id) => ended(id)))
    }
    const long = await Promise.all([add('waits'), add('waits')])
    await Promise.all(long.map(begun))
    const short = await Promise.all(Array.from({ length: 6 }, () => add('counts')))
    const states = async () => Promise.all(short.map(async (id) => (await work.get(id))!.state))
    await until(async () => (await states()).every((state) => state === 'waiting'), WITHIN)
    for (const id of long) await work.cancel(id)
    for (const id of short) expect(await ended(id)).toMatchObject({ state: 'done', attempt: 0, crashes: 0 })
  })

  test('give back what they have not begun when they are to be quiet, and run what they have', async () => {
    const worker = await run({ concurrency: 2, workers: 2 })
    for (let n = 0; n < 3; n++) {
      const ids = await Promise.all(Array.from({ length: 50 }, () => add('counts')))
      await Promise.all(ids.map((id) => ended(id)))
    }
    const long = await Promise.all([add('waits'), add('waits')])
    const short = await Promise.all(Array.from({ length: 6 }, () => add('counts')))
    await Promise.all(long.map(begun))
    worker.quiet()
    for (const id of short) {
      await until(async () => ['waiting', 'done'].includes((await work.get(id))!.state), WITHIN)
    }
    for (const id of long) expect((await work.get(id))?.state).toBe('active')
    worker.resume()
    for (const id of long) await work.cancel(id)
    for (const id of short) expect(await ended(id)).toMatchObject({ state: 'done', attempt: 0 })
  })

  test('say what they have to say, however short they are', async () => {
    const logger = captureLogger()
    await run({ logger })
    // The first ones are not known to be short.
    for (let n = 0; n < 5; n++) await ended(await add('says'))
    await ended(await add('says'))
    expect(logger.lines.filter(({ message }) => message === 'said')).toHaveLength(6)
  })

  test('are drained by a stop', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millhand-placed-'))
    const file = join(folder, 'begun')
    const started = await run()
    const id = await add('hangsLoop', { n: 300, file })
    // Not only claimed: what has not begun would be handed back.
    await until(() => existsSync(file), WITHIN)
    await started.stop()
    expect(await work.get(id)).toMatchObject({ state: 'done' })
    rmSync(folder, { recursive: true })
  })

  test('need a module that exports them, and say so', async () => {
    const broken = (module: string) => worker({ module }).start()
    const url = (file: string) => new URL(file, import.meta.url).href
    await expect(broken(url('../fixtures/placed/nowhere.ts'))).rejects.toThrow(/cannot load .*nowhere\.ts/)
    await expect(broken(url('../fixtures/placed/empty.ts'))).rejects.toThrow(
      /exports no worker of queue "work"/,
    )
  })
})

test('a module that cannot be loaded any more ends the worker, and its jobs wait, no worse for it', async () => {
  // Else a bad deployment buries every job that was claimed meanwhile.
  const folder = mkdtempSync(join(tmpdir(), 'millhand-placed-'))
  vi.stubEnv('MILLHAND_TEST_BROKEN', join(folder, 'broken'))
  const { fragile, worker } = await import('../fixtures/placed/breaking.ts')
  await worker.start()
  const { id: culprit } = await fragile.add('breaks', {})
  await until(() => worker.state === 'failed', { what: 'the worker to fail' })
  expect(worker.error?.message).toMatch(/cannot load .*breaking\.ts/)
  const after = await fragile.get(culprit)
  expect(after).toMatchObject({ state: 'waiting', crashes: 1 })
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

test('a placement without a module, and a kind of worker that cannot be placed, are refused by name', () => {
  const queue = new Queue('here', { backend: memory() })
  const place = (options: object) => () => queue.worker({ any: () => {} }, options)
  expect(place({ placement: 'thread' })).toThrow(/expected module to be import\.meta\.url/)
  expect(place({ placement: 'threads' })).toThrow(/did you mean 'thread'/)
})
