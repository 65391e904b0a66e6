import { describe, expect, it } from 'vitest'
import { BackendError } from '../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../src/core/logger.ts'
import { Queue } from '../../../src/queue/queue.ts'
import { wrapped, type WrappedBackend } from './wrapped-backend.ts'

const gone = (): never => {
  throw new BackendError('BACKEND_UNAVAILABLE', 'nobody answers')
}

/** Loses the replies to the first `times` enqueues: the store has done them. */
function loseReplies({ interfere }: WrappedBackend, times: number): void {
  let lost = 0
  interfere(async ({ operation }, next) => {
    const reply = await next()
    return operation === 'enqueue' && lost++ < times ? gone() : reply
  })
}

describe('an add to a store that is away', () => {
  it('fails at once with its error', async () => {
    const { backend, interfere, count } = wrapped()
    interfere(async ({ operation }, next) => (operation === 'enqueue' ? gone() : next()))
    const queue = new Queue('mail', { backend })
    await expect(queue.add('x', 1)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
    expect(count('enqueue')).toBe(1)
  })

  it('waits for it by option, in the order of the adds', async () => {
    const { backend, interfere } = wrapped()
    let failures = 3
    interfere(async ({ operation }, next) =>
      /open|enqueue/.test(operation) && failures-- > 0 ? gone() : next(),
    )
    const queue = new Queue('mail', { backend, offlineWait: '30s' })
    const added = await Promise.all([1, 2, 3].map((n) => queue.add('x', n)))
    expect(added.map(({ status }) => status)).toEqual(['added', 'added', 'added'])
    expect((await queue.list()).map(({ payload }) => payload)).toEqual([1, 2, 3])
  })

  it('fails when that time is over, and at once when waiting cannot help', async () => {
    const { backend, interfere } = wrapped()
    interfere(async ({ operation }, next) => (operation === 'enqueue' ? gone() : next()))
    const queue = new Queue('mail', { backend, offlineWait: 30 })
    await expect(queue.add('x', 1)).rejects.toThrow('nobody answers')
    interfere(async ({ operation }, next) => {
      if (operation !== 'enqueue') return next()
      throw new BackendError('BACKEND_FOREIGN', 'the password is wrong')
    })
    const patient = new Queue('mail', { backend, offlineWait: '1h' })
    await expect(patient.add('x', 1)).rejects.toThrow('the password is wrong')
    const [answer] = await patient.addMany([{ type: 'x', payload: 1 }]).catch((error: unknown) => [error])
    expect(answer).toMatchObject({ message: 'the password is wrong' })
  })
})

describe('an add whose reply was lost', () => {
  it('is one job, and is told as added', async () => {
    const store = wrapped()
    const queue = new Queue('mail', { backend: store.backend, offlineWait: '30s' })
    loseReplies(store, 2)
    const { id, status } = await queue.add('x', 1)
    expect(status).toBe('added')
    expect(await queue.list()).toMatchObject([{ id }])
    loseReplies(store, 1)
    const many = await queue.addMany([2, 3].map((payload) => ({ type: 'x', payload })))
    expect(many.map((each) => each.status)).toEqual(['added', 'added'])
    expect((await queue.stats()).counts.waiting).toBe(3)
  })

  it('is one job even when it was done before it was tried again', async () => {
    const store = wrapped()
    const queue = new Queue('mail', { backend: store.backend, offlineWait: '30s' })
    const seen: unknown[] = []
    const worker = queue.worker({ x: (job) => void seen.push(job.payload) }, { logger })
    let lost = false
    store.interfere(async ({ operation }, next) => {
      const reply = await next()
      if (operation !== 'enqueue' || lost) return reply
      lost = true
      expect(await worker.drainOnce()).toMatchObject({ processed: 1 })
      return gone()
    })
    expect((await queue.add('x', 1)).status).toBe('added')
    await worker.drainOnce()
    expect(seen).toEqual([1])
  })

  it('by an id of the caller is told as the store tells it', async () => {
    const store = wrapped()
    const queue = new Queue('mail', { backend: store.backend, offlineWait: '30s' })
    loseReplies(store, 1)
    expect(await queue.add('x', 1, { id: 'mine' })).toEqual({ id: 'mine', status: 'duplicate' })
  })
})
