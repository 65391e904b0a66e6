import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { BackendError } from '../../../../src/core/errors.ts'
import { silentLogger as logger } from '../../../../src/core/logger.ts'
import type { Handler } from '../../../../src/queue/consume/handler.ts'
import { Queue } from '../../../../src/queue/queue.ts'
import { recordEvents } from '../../../../src/testing/record-events.ts'
import { until } from '../../../fixtures/until.ts'
import { wrapped } from '../wrapped-backend.ts'

const policy = { maxCrashes: 5, keepDeadMs: null }

/** A handler that waits, and what its signal said. */
function waiting(): { handler: Handler; tokens: string[]; reasons: unknown[]; go: () => void } {
  const gate = Promise.withResolvers<void>()
  const tokens: string[] = []
  const reasons: unknown[] = []
  const handler: Handler = (job, { signal }) => {
    tokens.push(job.token)
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    return gate.promise
  }
  return { handler, tokens, reasons, go: gate.resolve }
}

describe.concurrent('a lease', () => {
  it('is renewed for as long as the job runs, so that nobody else gets it', async () => {
    const queue = new Queue('mail', { backend: memory() })
    const { handler, tokens, reasons, go } = waiting()
    await queue.add('x', 1)
    const workers = [1, 2].map(() => queue.worker({ x: handler }, { lease: 1000, logger }))
    await Promise.all(workers.map((worker) => worker.start()))
    await until(() => tokens.length === 1)
    // More than two leases, of which a busy machine leaves enough.
    await new Promise((resolve) => void setTimeout(resolve, 2500))
    expect([tokens.length, reasons.length]).toEqual([1, 0])
    go()
    await Promise.all(workers.map((worker) => worker.stop()))
    expect(workers.reduce((sum, worker) => sum + worker.processedCount, 0)).toBe(1)
  })

  it('that is lost aborts the signal; what the handler then gives is stale, and changes nothing', async () => {
    const backend = memory()
    const queue = new Queue('mail', { backend, retention: { done: '1h' } })
    const { handler, tokens, reasons, go } = waiting()
    const { id } = await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { lease: 150, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(() => tokens.length === 1)
    // Somebody is sure that this worker is dead.
    await queue.pause()
    await backend.releaseOwner(tokens[0]!.split(':')[0]!, policy)
    await until(() => reasons.length === 1)
    expect(reasons[0]).toMatchObject({ code: 'LEASE_LOST' })
    go()
    await until(() => events.of('stale').length === 1)
    expect(events.of('stale')).toMatchObject([{ jobs: [id], queue: 'mail' }])
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', crashes: 1, result: null })
    await worker.stop()
  })

  it('that could not be renewed aborts the signal when it ends, and the job is handed back', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    const handler: Handler = (_job, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to stop')))
      })
    const { id } = await queue.add('x', 1)
    const worker = queue.worker({ x: handler }, { lease: 150, logger })
    const events = recordEvents(worker)
    await worker.start()
    await until(async () => (await queue.stats()).counts.active === 1)
    await queue.pause()
    interfere(({ operation }, next) =>
      operation === 'renew' ? Promise.reject(new BackendError('BACKEND_UNAVAILABLE', 'away')) : next(),
    )
    await until(() => events.outcomes().length === 1)
    expect(events.attempts()[0]).toMatchObject({ outcome: 'release', error: { code: 'LEASE_LOST' } })
    await until(async () => (await queue.get(id))?.state === 'waiting')
    await worker.stop()
    expect([worker.processedCount, worker.errorCount]).toEqual([0, 0])
  })

  it('is looked at before every start: what a worker claimed before it was held up does not begin', async () => {
    const { backend, interfere } = wrapped()
    const queue = new Queue('mail', { backend })
    // The first answer arrives when its lease is over already, as after a SIGSTOP.
    let heldUp = true
    interfere(async ({ operation }, next) => {
      if (operation === 'renew' && heldUp) throw new BackendError('BACKEND_UNAVAILABLE', 'not now')
      const reply = await next()
      if (operation === 'claim' && heldUp) {
        await new Promise((resolve) => void setTimeout(resolve, 150))
        heldUp = false
      }
      return reply
    })
    const tokens: string[] = []
    await queue.add('x', 1)
    const worker = queue.worker({ x: (job) => void tokens.push(job.token) }, { lease: 100, logger })
    await worker.start()
    await until(() => tokens.length === 1)
    await worker.stop()
    expect(tokens[0]).not.toMatch(/:1$/)
    expect(worker.processedCount).toBe(1)
  })

  it('is not renewed beyond the timeout: a blocked handler does not keep its job for ever', async () => {
    const { backend, calls } = wrapped()
    const queue = new Queue('mail', { backend })
    await queue.add('x', 1)
    await queue.worker({ x: () => {} }, { timeout: '2s', lease: '3s', logger }).drainOnce()
    await queue.worker({ x: () => {} }, { timeout: 'none', lease: '3s', logger }).drainOnce()
    const asked = calls.filter(({ operation }) => operation === 'claim').map(({ args }) => args[0])
    expect(asked[0]).toMatchObject({ leaseMs: 3000, renewForMs: 6000 })
    expect(asked.at(-1)).toMatchObject({ renewForMs: null })
  })
})
