import { describe, expect, it } from 'vitest'
import { partitionOf, StreamGroup } from 'millhand/stream'
import { captureLogger } from 'millhand/testing'
import { Counter, type Count } from '../fixtures/stream/counter.ts'

describe.each(['inline', 'thread', 'process'] as const)(
  'a stream that is scaled under load, %s',
  (placement) => {
    it('from 1 to 4 and back loses nothing, keeps the order of each key, and waits for none for long', async () => {
      const group = new StreamGroup(Counter, { placement, logger: captureLogger() })
      await group.start()
      const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`)
      const pauses: number[] = []
      group.streamEvents.on('moved', ({ pausedMs }) => void pauses.push(pausedMs))
      const end = new AbortController()
      let last = 0
      const load = (async () => {
        while (!end.signal.aborted) {
          last++
          for (const key of keys) await group.route(key, String(last))
          await new Promise((resolve) => void setTimeout(resolve, 5))
        }
      })()
      await group.scale(4)
      expect(group.getAliveCount()).toBe(4)
      await group.scale(1)
      end.abort()
      await load
      const counts = (await Promise.all(
        keys.map((key) => group.query(key, undefined, { timeout: '20s' })),
      )) as Count[]
      for (const count of counts) {
        expect(count).toMatchObject({ last, seen: last, outOfOrder: 0, missing: 0, gaps: [] })
      }
      // Each partition of the other three slots went there and came back.
      expect(pauses.length).toBeGreaterThan(1400)
      expect(pauses.sort((a, b) => a - b)[Math.floor(pauses.length / 2)]).toBeLessThan(20)
      await group.stop()
    })
  },
)

describe('a stream that is scaled', () => {
  it('before its start only says where keys belong', async () => {
    const group = new StreamGroup(Counter, { placement: 'inline', logger: captureLogger() })
    await group.scale(3)
    void group.route('a', '1')
    await group.start()
    expect(await group.query('a')).toMatchObject({ seen: 1 })
    await group.stop()
    await group.scale(1)
    await group.start()
    expect(await group.query('a')).toMatchObject({ seen: 1, gaps: [] })
    await group.stop()
  })

  it('moves no more partitions than it must', async () => {
    const group = new StreamGroup(Counter, { placement: 'inline', workers: 4, logger: captureLogger() })
    await group.start()
    const moved = new Set<number>()
    group.streamEvents.on('moved', ({ partition, to }) => {
      moved.add(partition)
      expect(to).toBe(4)
    })
    await group.scale(5)
    const keys = Array.from({ length: 10_000 }, (_, index) => `key ${index}`)
    const share = keys.filter((key) => moved.has(partitionOf(key))).length / keys.length
    expect(share).toBeLessThan(0.22)
    await group.stop()
  })

  it('while it is stopped in the middle of that has no partition in two places', async () => {
    const group = new StreamGroup(Counter, { placement: 'inline', logger: captureLogger() })
    await group.start()
    for (let number = 1; number <= 100; number++) await group.route(`key ${number}`, '1')
    const scaled = group.scale(4).then(
      () => 'scaled',
      (error: Error) => error.message,
    )
    await new Promise((resolve) => void setImmediate(resolve))
    await group.stop()
    expect(await scaled).toMatch(/scaled|stops/)
    await group.start()
    for (let number = 1; number <= 100; number++) {
      expect(await group.query(`key ${number}`)).toMatchObject({ seen: 1 })
    }
    await group.stop()
  })
})
