import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { sqlite } from '../../../src/backends/sqlite/index.ts'
import { BackendError } from '../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../src/core/logger.ts'
import type { Handler, Job, JobContext } from '../../../src/queue/consume/handler.ts'
import { BatchWorker } from '../../../src/queue/consume/batch-worker.ts'
import { Queue } from '../../../src/queue/queue.ts'
import { recordEvents } from '../../../src/testing/record-events.ts'
import { until } from '../../fixtures/until.ts'
import { wrapped, type WrappedBackend } from './wrapped-backend.ts'

const folder = mkdtempSync(join(tmpdir(), 'millhand-transactions-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

let path: string
/** The application's own connection, to the file that has its table and the jobs. */
let db: DatabaseSync
let store: WrappedBackend
let queue: Queue

beforeEach(async () => {
  path = join(folder, `${++files}.db`)
  store = wrapped({ backend: sqlite(path, { durability: 'normal' }) })
  queue = new Queue('mail', { backend: store.backend, retry: { maxRetries: 1, baseDelay: 0 } })
  await queue.stats()
  db = new DatabaseSync(path)
  db.exec('CREATE TABLE effect (job TEXT)')
})
afterEach(async () => {
  db.close()
  await queue.close()
})

const effects = (): number => Number(db.prepare('SELECT count(*) AS n FROM effect').get()!['n'])

async function inTransaction(work: () => Promise<void>): Promise<void> {
  db.exec('BEGIN IMMEDIATE')
  try {
    await work()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

describe('an add in a transaction of the caller', () => {
  it('is there with the commit, and apart from the adds of others', async () => {
    const others = queue.add('x', 1)
    db.exec('BEGIN IMMEDIATE')
    const { id, status } = await queue.add('x', 2, { transaction: db, priority: 5 })
    expect(status).toBe('added')
    expect(await queue.get(id)).toBeUndefined()
    db.exec('COMMIT')
    await others
    expect(await queue.list()).toMatchObject([{ payload: 2, priority: 5 }, { payload: 1 }])
  })

  it('is gone with a rollback, all of many', async () => {
    db.exec('BEGIN IMMEDIATE')
    const answers = await queue.addMany(
      [1, 2, 3].map((payload) => ({ type: 'x', payload })),
      { transaction: db },
    )
    expect(answers.map(({ status }) => status)).toEqual(['added', 'added', 'added'])
    db.exec('ROLLBACK')
    expect((await queue.stats()).counts.waiting).toBe(0)
  })

  it('starts at a worker of another connection soon after the commit', async () => {
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    await worker.start()
    await inTransaction(async () => void (await queue.add('x', 1, { transaction: db })))
    await until(() => seen.length === 1)
    await worker.stop()
  })

  it('does not wait for room, since that would keep the transaction open', async () => {
    const full = new Queue('full', { backend: store.backend, maxLength: 1, whenFull: 'wait' })
    await full.add('x', 1)
    db.exec('BEGIN IMMEDIATE')
    await expect(full.add('x', 2, { transaction: db })).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    db.exec('ROLLBACK')
  })

  it('is refused by a store that takes part in none', async () => {
    const other = new Queue('mail', { backend: memory() })
    const add = other.add('x', 1, { transaction: db })
    await expect(add).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(add).rejects.toThrow('the memory store cannot take part in a transaction of yours')
    await expect(other.addMany([{ type: 'x', payload: 1 }], { transaction: db })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
    expect((await other.stats()).counts.waiting).toBe(0)
  })

  it('is refused with a reason for a client that is none, of another file, or in no transaction', async () => {
    const add = (transaction: unknown): Promise<unknown> => queue.add('x', 1, { transaction })
    const other = new DatabaseSync(':memory:')
    other.exec('BEGIN')
    await expect(add('BEGIN')).rejects.toThrow('expected transaction to be a SQLite client')
    await expect(add(other)).rejects.toThrow('got one of another database')
    await expect(add(db)).rejects.toThrow('got one that is in none')
    await expect(queue.addMany([], { transation: db } as object)).rejects.toThrow(
      'did you mean "transaction"',
    )
    other.close()
  })

  it('says what to do when a transaction that was begun as a reader cannot write', async () => {
    db.exec('BEGIN')
    expect(effects()).toBe(0)
    await queue.add('x', 1)
    await expect(queue.add('x', 2, { transaction: db })).rejects.toThrow('begin it with BEGIN IMMEDIATE')
    db.exec('ROLLBACK')
    await inTransaction(async () => void (await queue.add('x', 2, { transaction: db })))
    expect((await queue.stats()).counts.waiting).toBe(2)
  })

  it('takes a client that reads integers as bigints', async () => {
    const client = new DatabaseSync(path, { readBigInts: true })
    client.exec('BEGIN IMMEDIATE')
    await queue.add('x', 1, { transaction: client })
    client.exec('COMMIT')
    client.close()
    expect((await queue.stats()).counts.waiting).toBe(1)
  })

  it('is refused on the very client that the store has for itself', async () => {
    const own = sqlite(db)
    const other = new Queue('mail', { backend: own })
    await other.stats()
    db.exec('BEGIN IMMEDIATE')
    await expect(other.add('x', 1, { transaction: db })).rejects.toThrow('a client of your own')
    db.exec('ROLLBACK')
    await other.close()
  })
})

describe('a job that its handler completes in a transaction', () => {
  async function run(handler: Handler): Promise<ReturnType<typeof recordEvents>> {
    await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { logger })
    const events = recordEvents(worker)
    await worker.drainOnce()
    expect(events.of('error')).toEqual([])
    expect(events.of('stale')).toEqual([])
    expect((await queue.stats()).counts.active).toBe(0)
    return events
  }

  /** The effect and the end of the job, together. */
  const work = (job: Job): Promise<void> =>
    inTransaction(async () => {
      db.prepare('INSERT INTO effect VALUES (?)').run(job.id)
      await job.complete(db)
    })

  it('is done with the commit', async () => {
    const events = await run(work)
    expect(effects()).toBe(1)
    expect(events.outcomes()).toEqual(['done'])
    expect((await queue.stats()).counts).toMatchObject({ done: 0, waiting: 0, dead: 0 })
  })

  it('keeps the result that complete was given, and enqueues its follow-ups', async () => {
    queue = new Queue('mail', { backend: store.backend, retention: { done: '1h' } })
    const seen: unknown[] = []
    await queue.add('x', 1)
    await queue
      .worker(
        {
          x: async (job: Job, { followUp }: JobContext) => {
            void followUp(queue, 'next', 2)
            await inTransaction(() => job.complete(db, { sent: true }))
            return 'not this'
          },
          next: (job) => void seen.push(job.payload),
        },
        { logger },
      )
      .drainOnce()
    expect(seen).toEqual([2])
    expect((await queue.list({ types: ['x'] }))[0]).toMatchObject({ state: 'done', result: { sent: true } })
  })

  it('is tried again when its handler threw before the commit: no effect is there', async () => {
    const events = await run(async (job) => {
      await inTransaction(async () => {
        db.prepare('INSERT INTO effect VALUES (?)').run(job.id)
        await job.complete(db)
        if (job.attempt === 1) throw new Error('no')
      })
    })
    expect(events.outcomes()).toEqual(['retry', 'done'])
    expect(events.attempts()[0]?.error?.message).toBe('no')
    expect(effects()).toBe(1)
  })

  it('has failed when its handler returned without a commit', async () => {
    const events = await run(async (job) => {
      if (job.attempt > 1) return
      db.exec('BEGIN IMMEDIATE')
      await job.complete(db)
      db.exec('ROLLBACK')
    })
    expect(events.outcomes()).toEqual(['retry', 'done'])
    expect(events.attempts()[0]?.error?.message).toMatch(/returned, but the transaction .* was not committed/)
  })

  it('is done when its handler threw after the commit', async () => {
    const events = await run(async (job) => {
      await work(job)
      throw new Error('too late')
    })
    expect(events.outcomes()).toEqual(['done'])
    expect((await queue.stats()).counts).toMatchObject({ waiting: 0, delayed: 0, dead: 0 })
  })

  it('is waited for when the commit comes after the handler has returned', async () => {
    const committed = Promise.withResolvers<void>()
    const events = await run(async (job) => {
      db.exec('BEGIN IMMEDIATE')
      await job.complete(db)
      setTimeout(() => {
        db.exec('COMMIT')
        committed.resolve()
      }, 30)
    })
    await committed.promise
    expect(events.outcomes()).toEqual(['done'])
  })

  it('can be completed again when the transaction was rolled back and is repeated', async () => {
    const events = await run(async (job) => {
      db.exec('BEGIN IMMEDIATE')
      await job.complete(db)
      db.exec('ROLLBACK')
      await work(job)
    })
    expect(events.outcomes()).toEqual(['done'])
    expect(effects()).toBe(1)
  })

  it('cannot be completed with a token that is stale: the transaction rolls back', async () => {
    let failure: unknown
    let aborted: unknown
    await queue.add('x', 1)
    const worker = queue.worker(
      {
        x: async (job, { signal }) => {
          await queue.cancel(job.id)
          await work(job).catch((error: unknown) => {
            failure = error
            aborted = signal.reason
            throw error
          })
        },
      },
      { logger },
    )
    await worker.drainOnce()
    expect(failure).toMatchObject({ code: 'LEASE_LOST' })
    expect(aborted).toMatchObject({ code: expect.stringMatching(/LEASE_LOST|JOB_CANCELLED/) })
    expect(effects()).toBe(0)
  })

  it('is not taken for cancelled while its handler goes on after the commit', async () => {
    let aborted: boolean | undefined
    await run(async (job, { signal }) => {
      await work(job)
      // The worker looks what it still holds.
      await queue.pause()
      await until(() => store.count('renew') > 0)
      await queue.resume()
      await until(() => store.count('renew') > 1)
      ;({ aborted } = signal)
    })
    expect(aborted).toBe(false)
  })

  it('takes no follow-ups afterwards, and no completion when its attempt is over', async () => {
    let late: Job | undefined
    let refused: unknown
    await run(async (job, { followUp }) => {
      late = job
      await inTransaction(async () => {
        await job.complete(db)
        try {
          void followUp(queue, 'next', 1)
        } catch (error) {
          refused = error
        }
      })
    })
    expect(refused).toMatchObject({ code: 'INVALID_STATE' })
    await expect(late!.complete(db)).rejects.toMatchObject({ code: 'INVALID_STATE' })
  })

  it('is refused by a store that takes part in none, and without a client', async () => {
    const other = new Queue('mail', { backend: memory() })
    const codes: unknown[] = []
    await other.add('x', 1)
    const handler: Handler = async (job) => {
      for (const client of [db, undefined]) {
        await job.complete(client).catch(({ code }: { code: unknown }) => codes.push(code))
      }
    }
    expect(await other.worker({ x: handler }, { logger }).drainOnce()).toMatchObject({ processed: 1 })
    expect(codes).toEqual(['UNSUPPORTED', 'INVALID_OPTION'])
  })

  it('ends each for itself in a batch', async () => {
    class Batches extends BatchWorker {
      override types(): string[] {
        return ['x']
      }

      override async processBatch(items: readonly { job: Job }[]): Promise<unknown[]> {
        const [first, second] = items
        await work(first!.job)
        if (second === undefined || second.job.attempt > 1) return [undefined]
        return [undefined, new Error('not this one')]
      }
    }
    await queue.addMany([1, 2].map((payload) => ({ type: 'x', payload })))
    const worker = new Batches({ queue, batchSize: 2, maxWait: 10, logger })
    const events = recordEvents(worker)
    await worker.drainOnce()
    expect(events.outcomes().toSorted()).toEqual(['done', 'done', 'retry'])
    expect(effects()).toBe(2)
  })

  it('is neither lost nor done twice when its worker is killed before the commit', async () => {
    const completed = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    await queue.add('x', 1)
    const worker = queue.worker(
      {
        x: (job) =>
          inTransaction(async () => {
            db.prepare('INSERT INTO effect VALUES (?)').run(job.id)
            await job.complete(db)
            completed.resolve()
            await goOn.promise
          }),
      },
      { logger },
    )
    await worker.start()
    await completed.promise
    const events = recordEvents(worker)
    const killing = worker.kill({ kind: 'deadline', error: new Error('time is up') })
    goOn.resolve()
    await killing
    expect(events.outcomes()).toEqual(['release'])
    await queue.worker({ x: work }, { logger }).drainOnce()
    expect(effects()).toBe(1)
    expect((await queue.stats()).counts).toMatchObject({ waiting: 0, active: 0, dead: 0 })
  })

  it('is settled once the store is back, whatever became of its transaction', async () => {
    const { interfere } = store
    let asked = 0
    interfere(async ({ operation, args }, next) => {
      const isQuestion = operation === 'settle' && args[1] === undefined
      if (isQuestion && asked++ < 2) {
        throw new BackendError('BACKEND_UNAVAILABLE', 'away')
      }
      return next()
    })
    const events = await run(work)
    expect(asked).toBeGreaterThan(2)
    expect(events.outcomes()).toEqual(['done'])
    expect(events.of('backend')).toEqual([])
  })
})
