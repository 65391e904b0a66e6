import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memory } from '../../../../src/backends/memory/index.ts'
import { FakeClock } from '../../../../src/core/clock.ts'
import { InvalidOptionError, NonRetryableError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Handler, Job } from '../../../../src/queue/consume/handler.ts'
import { ProcessorChain } from '../../../../src/queue/consume/processor-chain.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import type { QueueOptions } from '../../../../src/queue/queue-options.ts'
import type { JobSchemas } from '../../../../src/queue/schema.ts'
import { captureLogger } from '../../../../src/testing/capture-logger.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'

function open(options: Partial<QueueOptions<JobSchemas>> = {}): Queue {
  return new Queue('mail', { backend: memory(), ...options })
}

/** Adds one job of type `x`, runs whatever can run, and shows the job as it then is. */
async function once(queue: Queue, handler: Handler): Promise<Awaited<ReturnType<Queue['get']>>> {
  const { id } = await queue.add('x', 1)
  await queue.worker({ x: handler }, { logger }).drainOnce()
  return queue.get(id)
}

const failing =
  (error: unknown): Handler =>
  () => {
    throw error
  }

describe('a handler', () => {
  it('sees the job', async () => {
    const queue = open({ retry: { baseDelay: 0 } })
    const seen: Job[] = []
    const options = { id: 'j', priority: 3, tags: ['t'], headers: { h: 'v' }, maxRetries: 5 }
    await queue.add('x', { n: 1 }, options)
    const worker = queue.worker({ x: (job) => { seen.push(job); if (seen.length < 2) throw new Error('again') } }, { logger }) // prettier-ignore
    expect(await worker.drainOnce()).toEqual({ processed: 1, failed: 1, timedOut: false })
    const common = { ...options, type: 'x', payload: { n: 1 }, correlationId: 'j' }
    expect(seen[0]).toMatchObject({ ...common, attempt: 1, retryCount: 0 })
    expect(seen[1]).toMatchObject({ ...common, attempt: 2, retryCount: 1 })
    expect(Math.abs(Date.now() - seen[0]!.createdAt.getTime())).toBeLessThan(2_000)
    expect(new Set(seen.map(({ token }) => token)).size).toBe(2)
  })

  it('that fails is tried again as the policy says, each failure noted, and then dead', async () => {
    const queue = open({ retry: { maxRetries: 2, baseDelay: 0 } })
    const job = await once(queue, failing(new Error('no luck')))
    expect(job).toMatchObject({ state: 'dead', attempt: 3, error: { message: 'no luck' } })
    expect(job?.history.map(({ event }) => event)).toEqual(['retry', 'retry', 'dead'])
  })

  it('that fails leaves its delay to the store', async () => {
    const job = await once(open(), failing(new Error('later')))
    expect(job).toMatchObject({ state: 'delayed', attempt: 1 })
    expect(job!.runAt! - Date.now()).toBeGreaterThan(55_000)
  })

  it('whose failure nothing can cure is dead at once', async () => {
    expect(await once(open(), failing(new NonRetryableError('never')))).toMatchObject({
      state: 'dead',
      attempt: 1,
    })
  })

  it('is settled even when the retry rule throws', async () => {
    const retryIf = (): never => {
      throw new Error('a bug in the rule')
    }
    expect(await once(open({ retry: { retryIf } }), failing(new Error('x')))).toMatchObject({
      state: 'delayed',
    })
  })

  const throwing = new Error('seen')
  Object.defineProperty(throwing, 'message', { get: () => { throw new Error('gotcha') } }) // prettier-ignore
  it.each([
    ['undefined', undefined],
    ['a text', 'oops'],
    ['a frozen object', Object.freeze({ message: 'cold' })],
    ['an error whose getter throws', throwing],
    ['a revoked proxy', revoked()],
  ])('may throw %s, at once or later', async (_, thrown) => {
    const queue = open({ retry: { maxRetries: 0 } })
    expect(await once(queue, failing(thrown))).toMatchObject({ state: 'dead' })
    // oxlint-disable-next-line prefer-promise-reject-errors -- anything can be thrown
    expect(await once(queue, () => Promise.reject(thrown))).toMatchObject({ state: 'dead' })
  })

  it('may return any value or thenable; a result that cannot be kept is left out, aloud', async () => {
    const queue = open({ retention: { done: '1h' } })
    expect(await once(queue, () => ({ a: 1 }))).toMatchObject({ state: 'done', result: { a: 1 } })
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what it is about
    expect(await once(queue, () => ({ then: (ok: (value: string) => void) => ok('late') }))).toMatchObject({ result: 'late' }) // prettier-ignore
    const log = captureLogger()
    const { id } = await queue.add('x', 1)
    await queue.worker({ x: () => 1n }, { logger: log }).drainOnce()
    expect(await queue.get(id)).toMatchObject({ state: 'done', result: null })
    expect(log.messages('warn')).toEqual(['the result cannot be encoded and was not kept'])
  })

  it('can put its job off without spending an attempt', async () => {
    const queue = open()
    const snoozed = await once(queue, (_job, { snooze }) => snooze('1h'))
    expect(snoozed).toMatchObject({ state: 'delayed', attempt: 0, history: [] })
    expect(snoozed!.runAt! - Date.now()).toBeGreaterThan(3_590_000)
    const time = new Date(Date.now() + 86_400_000)
    const later = await once(queue, (_job, { retryAt }) => { throw retryAt(time) }) // prettier-ignore
    expect(later).toMatchObject({ state: 'delayed', attempt: 0, runAt: time.getTime() })
    const wrong = await once(queue, (_job, { snooze }) => snooze(Number.NaN))
    expect(wrong).toMatchObject({ state: 'delayed', attempt: 1, error: { code: 'INVALID_OPTION' } })
  })

  it('can note how far it is', async () => {
    const queue = open()
    let id = ''
    const noted = await once(queue, async (job, { progress, snooze }) => {
      id = job.id
      expect(() => progress(() => 1)).toThrow(InvalidOptionError)
      progress({ percent: 10 })
      progress({ percent: 50 })
      await expect.poll(async () => (await queue.get(id))?.progress).toEqual({ percent: 50 })
      return snooze('1h')
    })
    expect(noted).toMatchObject({ id, progress: { percent: 50 } })
  })
})

describe('a payload that this worker does not understand', () => {
  it('is held without spending an attempt, and dead with the reason after the grace', async () => {
    const backend = memory()
    const newer = new Queue('mail', { backend })
    const jobs = { x: z.object({ n: z.number() }) }
    const older = new Queue('mail', { backend, jobs, unknownGrace: 60 })
    const { id } = await newer.add('x', { n: 'seven' })
    const worker = older.worker({ x: () => expect.unreachable() }, { logger })
    const error = { code: 'INVALID_PAYLOAD', message: expect.stringContaining('n: ') as string }
    expect(await worker.drainOnce()).toEqual({ processed: 0, failed: 0, timedOut: false })
    const history = [{ event: 'hold' }]
    expect(await newer.get(id)).toMatchObject({ state: 'delayed', attempt: 0, error, history })
    await worker.start()
    await expect.poll(() => newer.get(id)).toMatchObject({ state: 'dead', error })
    await worker.stop()
  })

  it('goes to a worker that does, once that is there', async () => {
    const clock = new FakeClock(Date.now())
    const backend = memory({ clock })
    const newer = new Queue('mail', { backend })
    const older = new Queue('mail', { backend, jobs: { x: z.number() } })
    await newer.add('x', 'text')
    await older.worker({ x: () => {} }, { logger }).drainOnce()
    clock.advance(5_000)
    expect(await newer.worker({ x: () => {} }, { logger }).drainOnce()).toMatchObject({ processed: 1 })
  })
})

describe('a processor chain', () => {
  it('asks one after the other until one has dealt with the job', async () => {
    const asked: string[] = []
    const chain = new ProcessorChain(
      (job) => asked.push(`first ${String(job.payload)}`) < 0,
      (job) => Promise.resolve(asked.push(`second ${String(job.payload)}`) > 0),
    ).use(() => asked.push('third') > 0)
    expect(await once(open(), chain.handler)).toBeUndefined()
    expect(asked).toEqual(['first 1', 'second 1'])
  })

  it('fails a job for good that nobody takes, and for now when one throws', async () => {
    const nobody = new ProcessorChain(() => false)
    expect(await once(open(), nobody.handler)).toMatchObject({
      state: 'dead',
      error: { code: 'NON_RETRYABLE' },
    })
    const broken = new ProcessorChain(failing(new Error('x')) as () => boolean)
    expect(await once(open(), broken.handler)).toMatchObject({ state: 'delayed' })
  })
})

describe('outcomes', () => {
  it('are counted once: done or failed, and as neither when nothing was spent', async () => {
    const queue = open({ retry: { maxRetries: 0 } })
    const worker = queue.worker(
      { ok: () => {}, bad: failing(new Error('x')), later: (_job, { snooze }) => snooze('1h') },
      { logger },
    )
    const events = recordEvents(worker)
    await queue.addMany(['ok', 'bad', 'later', 'ok'].map((type) => ({ type, payload: 1 })))
    expect(await worker.drainOnce()).toEqual({ processed: 2, failed: 1, timedOut: false })
    expect(events.outcomes().toSorted()).toEqual(['dead', 'done', 'done', 'snooze'])
    expect([worker.processedCount, worker.errorCount, worker.queueSize]).toEqual([2, 1, 0])
    expect(events.attempts()[0]).toMatchObject({ type: 'ok', attempt: 1, error: undefined })
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
