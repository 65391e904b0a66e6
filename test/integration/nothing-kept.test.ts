import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Queue } from 'millhand'
import { memory } from 'millhand/memory'
import { captureLogger } from 'millhand/testing'
import { until } from '../fixtures/until.ts'

it('nothing is kept of jobs that are done or dead: neither payloads nor what their handlers held', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const queue = new Queue('mail', { backend: memory(), retry: { maxRetries: 0 }, retention: { dead: 0 } })
  const held: WeakRef<object>[] = []
  let ended = 0
  const handler = async (job: object, context: object, outcome: () => void): Promise<void> => {
    const own = { bytes: new Uint8Array(1_000) }
    held.push(new WeakRef(job), new WeakRef(context), new WeakRef(own))
    await new Promise((resolve) => setTimeout(resolve, 1))
    own.bytes.fill(1)
    ended++
    outcome()
  }
  const worker = queue.worker(
    {
      good: (job, context) => handler(job, context, () => {}),
      bad: (job, context) =>
        handler(job, context, () => {
          throw new Error('no')
        }),
    },
    { logger: captureLogger() },
  )
  await worker.start()
  for (let n = 0; n < 200; n++) await queue.add(n % 4 === 0 ? 'bad' : 'good', { n })
  await until(() => ended === 200)
  // The worker lives on: what it needs of the jobs that it has in hand must not stay for ever.
  await until(() => {
    collect()
    return held.every((ref) => ref.deref() === undefined)
  })
  expect(held).toHaveLength(600)
  await worker.stop()
})
