import { MessageChannel } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Sweep } from '../../../../src/queue/consume/sweep.ts'

const block = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('after the loop was blocked, what arrived meanwhile is heard before anything counts as late', async () => {
  const { port1, port2 } = new MessageChannel()
  const heard: string[] = []
  const looked = Promise.withResolvers<number>()
  port2.on('message', (word: string) => heard.push(word))
  // Listening begins in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve))
  const sweep = new Sweep(50, (lateMs) => {
    heard.push('look')
    looked.resolve(lateMs)
    return false
  })
  sweep.start()
  port1.postMessage('result')
  block(60)
  expect(await looked.promise).toBeGreaterThan(40)
  expect(heard).toEqual(['result', 'look'])
  port1.close()
})

test('looks again for as long as something runs, and not after a stop', async () => {
  let looks = 0
  const thrice = Promise.withResolvers<void>()
  const sweep = new Sweep(50, () => {
    if (++looks === 3) thrice.resolve()
    return looks < 3
  })
  sweep.start()
  sweep.start()
  await thrice.promise
  expect(looks).toBe(3)
  sweep.start()
  // After the block both timers fire one after the other, the other first; its look waits for its turn.
  const stopped = new Promise<void>((resolve) => {
    setTimeout(() => {
      sweep.stop()
      resolve()
    }, 30)
  })
  block(60)
  await stopped
  await new Promise((resolve) => setImmediate(resolve))
  expect(looks).toBe(3)
})
