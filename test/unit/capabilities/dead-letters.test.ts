import { describe, expect, it } from 'vitest'
import { EventWorker, Queue } from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger, FakeClock, recordEvents } from 'millhand/testing'
import { until } from '../../fixtures/until.ts'

const logger = captureLogger()

describe('a job that expired', () => {
  it('while it waited for its first start is a dead letter that says so', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }) })
    const { id } = await queue.add('x', { n: 1 }, { expiresIn: '10s' })
    clock.advance(11_000)
    await queue.worker({ x: () => {} }, { logger }).drainOnce()
    expect(await queue.dead.list({ error: 'JOB_EXPIRED' })).toMatchObject([
      {
        id: `dlq_${id}`,
        type: 'dead_letter',
        priority: 0,
        payload: { errorType: 'JOB_EXPIRED', original: { id, payload: { n: 1 }, attempt: 0 } },
      },
    ])
  })

  it('while it waited for a retry keeps the count of its attempts, and can be replayed', async () => {
    const clock = new FakeClock()
    const queue = new Queue('mail', { backend: memory({ clock }), retry: { baseDelay: '1m' } })
    const { id } = await queue.add('x', 1, { expiresIn: '30s' })
    const worker = queue.worker({ x: () => Promise.reject(new Error('not now')) }, { logger })
    await worker.drainOnce()
    clock.advance(61_000)
    await worker.drainOnce()
    expect(await queue.dead.get(id)).toMatchObject({
      payload: { errorType: 'JOB_EXPIRED', original: { attempt: 1 } },
    })
    expect(await queue.dead.replay({ error: 'JOB_EXPIRED' })).toBe(1)
    expect(await queue.dead.list()).toEqual([])
    expect(await queue.worker({ x: () => {} }, { logger }).drainOnce()).toMatchObject({ processed: 1 })
  })
})

describe('a job of a type that nobody handles', () => {
  it('is reported by those who work on the queue, and dead after the grace', async () => {
    const queue = new Queue('mail', { backend: memory(), unknownGrace: 400 })
    const { id } = await queue.add('digest', 1)
    const worker = queue.worker({ welcome: () => {} }, { name: 'mailer', lease: 150, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => events.of('unhandled').length > 0)
    expect(events.of('unhandled')[0]).toMatchObject({ queue: 'mail', type: 'digest' })
    expect(await queue.dead.get(id)).toBeUndefined()
    const letter = await until(() => queue.dead.get(id))
    expect(letter.payload).toMatchObject({ errorType: 'UNKNOWN_JOB_TYPE' })
    expect(letter.payload.error).toContain('digest')
    await worker.stop()
  })

  it('and is claimed all the same has failed for good, and the worker goes on', async () => {
    const queue = new Queue('mail', { backend: memory() })
    class Eager extends EventWorker {
      override types(): string[] {
        return ['welcome', 'digest']
      }
    }
    const { id } = await queue.add('digest', 1)
    await queue.add('welcome', 1)
    const worker = new Eager({ queue, logger }, { welcome: () => {} })
    expect(await worker.drainOnce()).toEqual({ processed: 1, failed: 1, timedOut: false })
    expect(await queue.dead.get(id)).toMatchObject({
      payload: { error: 'no handler is registered for job type "digest"', original: { attempt: 1 } },
    })
  })
})
