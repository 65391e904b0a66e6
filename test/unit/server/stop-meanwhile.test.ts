/** A stop that comes while something else is done: a deploy would hang, or be killed at its deadline, if it failed. */
import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { Server } from '../../../src/server/server.ts'
import { WorkerGroup } from '../../../src/server/worker-group.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../fixtures/until.ts'

// What a server sets is not the code of this test run.
afterEach(() => {
  process.exitCode = undefined
})

interface Hooks {
  readonly setUp?: () => Promise<void>
  readonly tearDown?: () => Promise<void>
}

class Waits extends Worker<Hooks> {
  override async setup(): Promise<void> {
    await this.options.setUp?.()
  }

  override async main(): Promise<void> {
    while (await this.sleep('1h'));
  }

  override async teardown(): Promise<void> {
    await this.options.tearDown?.()
  }
}

class Fails extends Worker {
  override main(): void {
    throw new Error('it crashes')
  }
}

test('a stop that comes while a group is started ends the group', async () => {
  const begun = Promise.withResolvers<void>()
  const setUp = Promise.withResolvers<void>()
  const options = () => ({
    logger: silentLogger,
    setUp: () => {
      begun.resolve()
      return setUp.promise
    },
  })
  const server = new Server({ logger: silentLogger }).add(
    new WorkerGroup(Waits, { name: 'group', replicas: 2, options, logger: silentLogger }),
  )
  const started = server.start()
  await begun.promise
  const stopped = server.stop()
  setUp.resolve()
  await expect(started).rejects.toThrow('stop')
  await stopped
  expect(server.workers.map(({ state }) => state)).toEqual(['stopped', 'stopped'])
  expect(server.isLive).toBe(true)
})

test('a stop that comes during a reload leaves no successor behind that nobody stops', async () => {
  const begun = Promise.withResolvers<void>()
  const setUp = Promise.withResolvers<void>()
  const tearDown = Promise.withResolvers<void>()
  let lives = 0
  const firstSetUp = async (): Promise<void> => {
    if (++lives === 1) return
    begun.resolve()
    await setUp.promise
  }
  const server = new Server({ logger: silentLogger })
    .add(Waits, { name: 'first', setUp: firstSetUp })
    .add(Waits, { name: 'second', tearDown: () => tearDown.promise })
  await server.start()
  const reloaded = server.reload().catch(() => {})
  await begun.promise
  // The second is asked first, and is still ending when its turn to be replaced comes.
  const stopped = server.stop()
  setUp.resolve()
  await reloaded
  tearDown.resolve()
  await stopped
  const states = server.workers.map(({ name, state }) => `${name} ${state}`)
  expect(states).toEqual(['first stopped', 'second stopped'])
})

test('a stop that comes while a worker that crashed waits to be started again is no failure', async () => {
  const server = new Server({ logger: silentLogger, backoff: '1h' })
  server.add(Fails).add(new WorkerGroup(Fails, { name: 'group', logger: silentLogger, backoff: '1h' }))
  server.add(Waits, { name: 'healthy' })
  const code = server.runForever()
  await until(() => server.isReady && server.workers.filter(({ state }) => state === 'failed').length === 2)
  await server.stop()
  expect(await code).toBe(0)
})

test('a worker that fails when it is to stop is a failure', async () => {
  const tearDown = () => Promise.reject(new Error('it cannot be closed'))
  const server = new Server({ logger: silentLogger }).add(Waits, { tearDown })
  const code = server.runForever()
  await until(() => server.isReady)
  await server.stop()
  expect(await code).toBe(1)
})
