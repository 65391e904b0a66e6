import { Worker as Thread } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { MessageRouter } from '../../../src/stream/message-router.ts'
import { PARTITIONS } from '../../../src/stream/partition.ts'

const ENTRY = new URL('../../fixtures/stream/ring-reader-entry.ts', import.meta.url)
let thread: Thread | undefined
afterEach(() => thread?.terminate())

test('a thread reads each message whole, once and in order, while another writes them', async () => {
  // Small rings that are full and empty in turn, wrapping hundreds of times, at any alignment.
  const count = 60_000
  thread = new Thread(ENTRY, { execArgv: [] })
  for (const maxBytes of [8192, 65_536, 2 ** 20]) {
    const router = new MessageRouter({ maxMessages: 700, maxBytes, maxMessageBytes: 2000 })
    const link = router.addSlot(0, 'thread')
    for (let partition = 0; partition < PARTITIONS; partition++) router.assign(partition, 0)
    const answered = new Promise<string[]>((resolve, reject) => {
      thread!.once('message', resolve)
      thread!.once('error', reject)
    })
    thread.postMessage({ door: await link.open(), count })
    const numbers = Array.from({ length: 300 }, () => 0)
    let random = 1
    for (let i = 0; i < count; i++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff
      const at = random % numbers.length
      const length = (random >> 8) % 1500
      const routed = router.route(`k${at}`, `k${at}|${++numbers[at]!}|${length}|${'x'.repeat(length)}`)
      if (routed !== undefined) await routed
      else if (random % 97 === 0) await new Promise((resolve) => void setImmediate(resolve))
    }
    expect(await answered).toEqual([])
    await router.settled()
    expect(router.stats()).toMatchObject({ routed: count, depth: 0, latency: { count } })
    router.close()
  }
}, 30_000)
