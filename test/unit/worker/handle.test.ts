import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { WorkerHandle } from '../../../src/worker/handle.ts'
import { Worker } from '../../../src/worker/worker.ts'

class Idle extends Worker<{ root?: string }> {
  override async main(): Promise<void> {
    while (this.isRunning) await this.sleep('1h')
  }
}

test('a handle steers a worker without a server', async () => {
  const handle = new WorkerHandle(Idle, { name: 'alone', root: '/srv', logger: silentLogger })
  const seen: string[] = []
  handle.events.on('startup', ({ worker }) => void seen.push(`startup ${worker}`))
  handle.events.on('shutdown', ({ worker }) => void seen.push(`shutdown ${worker}`))
  expect([handle.name, handle.state]).toEqual(['alone', 'new'])
  await handle.start()
  expect(handle.status()).toMatchObject({ id: handle.id, isRunning: true })
  expect([handle.isRunning, handle.queueSize]).toEqual([true, 0])
  expect(await handle.join(1)).toBe(false)
  await handle.stop()
  expect(await handle.join()).toBe(true)
  expect([handle.state, handle.error]).toEqual(['stopped', undefined])
  expect(seen).toEqual(['startup alone', 'shutdown alone'])
})

test('a handle of an instance is that very worker', async () => {
  const worker = new Idle({ logger: silentLogger })
  const handle = new WorkerHandle(worker)
  await handle.start()
  const error = new Error('now')
  await handle.kill({ kind: 'signal', error })
  await handle.join()
  expect([worker.state, handle.error]).toEqual(['failed', error])
})

test.each([undefined, null, {}, 'Idle', class {}, () => {}])('refuses %s', (target) => {
  expect(() => new WorkerHandle(target as never)).toThrow(InvalidOptionError)
})
