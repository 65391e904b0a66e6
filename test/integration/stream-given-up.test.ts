import { afterEach, describe, expect, it } from 'vitest'
import { partitionOf, StreamGroup, type StreamGroupOptions, type StreamWorkerClass } from 'millhand/stream'
import { captureLogger } from 'millhand/testing'
import { rendezvous } from '../../src/stream/rendezvous.ts'
import { Fragile, Unwilling } from '../fixtures/stream/bad-workers.ts'

const groups: StreamGroup[] = []

async function start(workerClass: StreamWorkerClass, options: StreamGroupOptions): Promise<StreamGroup> {
  const group = new StreamGroup(workerClass, { logger: captureLogger(), backoff: 10, ...options })
  groups.push(group)
  await group.start()
  return group
}

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: 5000 })))
})

/** A key whose messages go to this one of two slots. */
function keyOf(slot: number): string {
  const owners = rendezvous([0, 1])
  for (let index = 0; ; index++) if (owners[partitionOf(`key ${index}`)] === slot) return `key ${index}`
}

const given = (worker: string): object => ({
  code: 'WORKER_EXITED',
  message: expect.stringContaining(`worker ${worker}`) as unknown,
  cause: expect.any(Error) as unknown,
})

describe.each(['thread', 'process'] as const)('a worker of a stream that is given up, %s', (placement) => {
  it('ends its group: whoever waits hears why, whoever comes later too, and stop returns', async () => {
    const group = await start(Fragile, { workers: 2, placement, intensity: 0, maxMessages: 10 })
    const key = keyOf(0)
    let failed: { waiting: unknown; error: Error } | undefined
    group.events.on('failed', ({ error }) => {
      let waiting: unknown
      try {
        void group.route(key, '2')
      } catch (thrown) {
        waiting = thrown
      }
      failed = { waiting, error }
    })
    await group.route(keyOf(1), '1')
    void group.route(key, 'exit')
    let waiting: Promise<void> | undefined
    while (waiting === undefined) waiting = group.route(key, '1')
    const pending = await Promise.allSettled([
      waiting,
      group.settled(),
      group.query(key, undefined, { timeout: '1m' }),
    ])
    const reasons = pending.map((each) => (each.status === 'rejected' ? (each.reason as unknown) : each))
    for (const reason of reasons) expect(reason).toMatchObject(given(`${group.name}-0`))
    expect((reasons[0] as Error).cause).toBe(failed?.error)
    expect(failed?.waiting).toBe(reasons[0])
    expect(() => group.route(key, '3')).toThrow(expect.objectContaining(given(`${group.name}-0`)))
    expect(() => group.query(key)).toThrow(expect.objectContaining(given(`${group.name}-0`)))
    await expect(group.settled()).rejects.toBe(reasons[0])
    await group.ended()
    expect(group.isAlive).toBe(false)
    expect(group.getAliveCount()).toBe(0)
    await group.stop()
  })

  it('does not keep a stop from returning that had begun before', async () => {
    const group = await start(Fragile, { workers: 2, placement, intensity: 0 })
    await group.route(keyOf(0), 'exit')
    await group.route(keyOf(0), '1')
    await group.stop()
    expect(group.isAlive).toBe(false)
  })

  it('leaves a group that can be started again, with what was not handled', async () => {
    const group = await start(Fragile, { placement, intensity: 0, maxCrashes: 1 })
    for (const text of ['exit', '1']) void group.route('a', text)
    await group.ended()
    await group.start()
    expect(group.isHealthy()).toBe(true)
    expect(await group.query('a', undefined, { timeout: '10s' })).toEqual(['gap:poison', '1'])
    await group.settled()
  })
})

describe('a worker that cannot start when a stream is scaled', () => {
  it('leaves the group as it was, which can be scaled again', async () => {
    let isWilling = false
    const group = await start(Unwilling, {
      placement: 'inline',
      options: (slot: number) => ({ isWilling: slot === 0 || isWilling }),
    })
    await group.route('a', '1')
    await expect(group.scale(3)).rejects.toThrow(/isWilling/)
    expect(group.replicas).toBe(1)
    expect(group.isHealthy()).toBe(true)
    expect((await group.getStats()).workers).toHaveLength(1)
    isWilling = true
    await group.scale(3)
    expect(group.getAliveCount()).toBe(3)
    await group.route('a', '2')
    expect(await group.query('a')).toEqual(['1', '2'])
  })
})
