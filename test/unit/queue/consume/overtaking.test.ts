import { describe, expect, it } from 'vitest'
import { BackendError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Settlement } from '../../../../src/queue/backend.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import type { Worker } from '../../../../src/worker/worker.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { until } from '../../../fixtures/until.ts'
import { wrapped, type WrappedBackend } from '../wrapped-backend.ts'

interface Scene {
  readonly wrap: WrappedBackend
  readonly queue: Queue
  readonly worker: Worker
  readonly seen: number[]
  /** Lets the handler of a job end. */
  readonly end: (n: number) => void
  /** What was sent to the store with each trip that settles, in order: its operation, and its jobs. */
  readonly sent: () => string[]
  /** From now on a trip that settles has no answer until it is let go, in the order in which they were sent. */
  readonly hold: () => PromiseWithResolvers<unknown>[]
}

/** A worker that runs six jobs at once, whose store is a server. */
async function scene(jobs = 6): Promise<Scene> {
  const wrap = wrapped({ capabilities: { sharedBy: 'network' } })
  const queue = new Queue('mail', { backend: wrap.backend, retention: { done: '1h' } })
  const gates = Array.from({ length: jobs }, () => Promise.withResolvers<void>())
  const seen: number[] = []
  const worker = queue.worker(
    { x: (job) => { seen.push(job.payload as number); return gates[job.payload as number]!.promise } }, // prettier-ignore
    { concurrency: 6, logger },
  )
  await queue.addMany(gates.map((_, n) => ({ type: 'x', payload: n, options: { id: `${n}` } })))
  await worker.start()
  await until(() => seen.length === Math.min(jobs, 6))
  return {
    wrap,
    queue,
    worker,
    seen,
    end: (n) => gates[n]!.resolve(),
    sent: () =>
      wrap.calls
        .filter(({ operation }) => operation === 'settle' || operation === 'exchange')
        .map(({ operation, args }) =>
          [operation, ...(args[0] as Settlement[]).map(({ ref }) => ref.id)].join(' '),
        ),
    hold: () => {
      const held: PromiseWithResolvers<unknown>[] = []
      wrap.interfere(async ({ operation }, next) => {
        if (operation !== 'settle' && operation !== 'exchange') return next()
        const one = Promise.withResolvers<unknown>()
        held.push(one)
        const reply = await next()
        await one.promise
        return reply
      })
      return held
    },
  }
}

describe('while the answer of a store that is a server is late', () => {
  it('outcomes are sent all the same, and the next trip waits for their answers', async () => {
    const { worker, queue, wrap, end, sent, hold } = await scene(7)
    const held = hold()
    end(0)
    await until(() => held.length === 1)
    end(1)
    await until(() => held.length === 2)
    end(2)
    await until(() => held.length === 3)
    expect(sent()).toEqual(['exchange 0', 'settle 1', 'settle 2'])
    // Both are in the store, though nobody here knows.
    expect((await queue.stats()).counts).toMatchObject({ done: 3 })

    held[0]!.resolve(undefined)
    held[2]!.resolve(undefined)
    let answered = false
    let early = false
    wrap.interfere((_, next) => {
      early ||= !answered
      return next()
    })
    for (const n of [3, 4, 5, 6]) end(n)
    // A turn in which the next trip would be sent.
    await new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))
    answered = true
    held[1]!.resolve(undefined)
    await until(async () => (await queue.stats()).counts.done === 7)
    expect(early).toBe(false)
    await worker.stop()
    expect(worker.processedCount).toBe(7)
  })

  it('no more than three trips overtake it', async () => {
    const { worker, end, sent, hold } = await scene()
    const held = hold()
    for (const n of [0, 1, 2, 3]) {
      end(n)
      await until(() => held.length === n + 1)
    }
    end(4)
    end(5)
    // Time enough for a fourth.
    await new Promise((resolve) => void setTimeout(resolve, 25))
    for (const one of held) one.resolve(undefined)
    await until(() => held.length === 5)
    expect(sent()).toEqual(['exchange 0', 'settle 1', 'settle 2', 'settle 3', 'exchange 4 5'])
    held[4]!.resolve(undefined)
    await worker.stop()
  })

  it('and longer than that of others, these make room for more', async () => {
    const { worker, end, sent, hold } = await scene()
    const held = hold()
    for (const n of [0, 1, 2, 3, 4]) {
      end(n)
      await until(() => held.length === n + 1)
      if (n > 0) held[n]!.resolve(undefined)
    }
    expect(sent()).toEqual(['exchange 0', 'settle 1', 'settle 2', 'settle 3', 'settle 4'])
    held[0]!.resolve(undefined)
    end(5)
    await until(() => held.length === 6)
    held[5]!.resolve(undefined)
    await worker.stop()
  })

  it('what fails on the way is told with the next trip, as a repetition', async () => {
    const { worker, queue, end, sent, hold } = await scene(3)
    const events = recordEvents(worker)
    const held = hold()
    end(0)
    await until(() => held.length === 1)
    end(1)
    await until(() => held.length === 2)
    // It had come through.
    held[1]!.reject(new BackendError('BACKEND_UNAVAILABLE', 'the reply was lost'))
    held[0]!.resolve(undefined)
    await until(() => held.length === 3)
    held[2]!.resolve(undefined)
    end(2)
    await until(() => held.length === 4)
    held[3]!.resolve(undefined)
    await worker.stop()
    expect(sent()).toEqual(['exchange 0', 'settle 1', 'exchange 1', 'exchange 2'])
    expect(events.of('stale')).toEqual([])
    expect((await queue.stats()).counts).toMatchObject({ done: 3, active: 0 })
  })

  it('stop waits for what overtook it', async () => {
    const { worker, queue, end, hold } = await scene(2)
    const held = hold()
    end(0)
    await until(() => held.length === 1)
    end(1)
    await until(() => held.length === 2)
    let isStopped = false
    const stopped = worker.stop().then(() => (isStopped = true))
    held[0]!.resolve(undefined)
    await new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))
    expect(isStopped).toBe(false)
    held[1]!.resolve(undefined)
    await stopped
    expect((await queue.stats()).counts).toMatchObject({ done: 2, active: 0 })
  })

  it('and the connections are lost, all is told again, and nothing that was settled is called stale', async () => {
    const { worker, wrap, queue, end, hold } = await scene()
    const events = recordEvents(worker)
    const held = hold()
    for (const n of [0, 1, 2]) {
      end(n)
      await until(() => held.length === n + 1)
    }
    wrap.interfere(undefined)
    for (const one of held) one.reject(new BackendError('BACKEND_UNAVAILABLE', 'the reply was lost'))
    for (const n of [3, 4, 5]) end(n)
    await until(async () => (await queue.stats()).counts.done === 6)
    await worker.stop()
    expect(events.of('stale')).toEqual([])
    expect(events.of('backend').map(({ up }) => up)).toEqual([false, true])
    expect(worker.processedCount).toBe(6)
  })

  it('what the store refuses for good is not lost from sight: the worker fails with it', async () => {
    const { worker, end, hold } = await scene()
    const held = hold()
    end(0)
    await until(() => held.length === 1)
    end(1)
    await until(() => held.length === 2)
    const refusal = (): BackendError =>
      new BackendError('BACKEND_UNAVAILABLE', 'no rights any more', { retryable: false })
    held[1]!.reject(refusal())
    held[0]!.resolve(undefined)
    await until(() => held.length === 3)
    held[2]!.reject(refusal())
    await until(() => worker.state === 'failed')
    expect(worker.error?.message).toContain('no rights any more')
  })
})
