/** What a server makes of workers that fail, are replaced or are told to rest: probes and operators rely on it. */
import { describe, expect, test } from 'vitest'
import { StateError } from '../../../src/core/errors.ts'
import type { ServerEvents } from '../../../src/server/server-events.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import { Server } from '../../../src/server/server.ts'
import { WorkerGroup } from '../../../src/server/worker-group.ts'
import { captureLogger, type CapturingLogger } from '../../../src/testing/index.ts'
import { GroupWorker, type Plan } from './group-worker.ts'
import { until } from '../../fixtures/until.ts'

const broke = new Error('broke')
const quick = { backoff: 1, maxBackoff: 1 } as const

interface Watched {
  readonly server: Server
  readonly logger: CapturingLogger
  readonly heard: (keyof ServerEvents)[]
}

function watched(options: ServerOptions = {}): Watched {
  const logger = captureLogger()
  const server = new Server({ logger, ...quick, ...options })
  const heard: (keyof ServerEvents)[] = []
  for (const event of ['ready', 'reloading', 'quiet', 'unhealthy', 'stopping', 'stopped'] as const) {
    server.events.on(event, () => void heard.push(event))
  }
  return { server, logger, heard }
}

const group = (plan: Plan | ((slot: number) => Plan) = {}, options: object = {}) =>
  new WorkerGroup<Plan>(GroupWorker, {
    ...{ name: 'g', replicas: 2, options: plan, logger: captureLogger() },
    ...options,
  })

describe('a worker that fails', () => {
  test('is started again, and its handle hears why and how often', async () => {
    const { server } = watched()
    server.add(GroupWorker, { name: 'a' })
    const heard: unknown[] = []
    server.get('a').events.on('restart', (event) => void heard.push(event))
    await server.start()
    server.get('a').send(broke)
    await until(() => heard.length > 0)
    expect(heard).toMatchObject([{ worker: 'a', cause: broke, restarts: 1 }])
    expect([server.isReady, server.isLive]).toEqual([true, true])
    expect(server.status().workers).toMatchObject([{ name: 'a', restarts: 1, lastCause: broke }])
    await server.stop()
  })

  test('too often is given up, last and loudly: the server is not live, the others go on', async () => {
    const { server, logger, heard } = watched({ intensity: 1 })
    server.add(GroupWorker, { name: 'bad' }).add(GroupWorker, { name: 'good' })
    await server.start()
    for (const restarts of [0, 1]) {
      await until(() => server.get('bad').isRunning && server.get('bad').status().restarts === restarts)
      server.get('bad').send(broke)
    }
    await until(() => !server.isLive)
    expect(logger.lines.at(-1)).toMatchObject({
      level: 'error',
      message: 'worker bad failed again after 1 restart within 30s and is given up: the server is unhealthy',
      fields: { worker: 'bad', err: broke },
    })
    expect([server.isReady, server.get('good').isRunning, heard]).toEqual([
      true,
      true,
      ['ready', 'unhealthy'],
    ])
    await server.stop()
    expect(server.isLive).toBe(false)
    await server.start()
    expect(server.isLive).toBe(true)
    await server.stop()
  })

  test('too often stops the server with code 1 where that is wanted, and says who it was', async () => {
    const { server, logger, heard } = watched({ intensity: 0, onGiveUp: 'exit' })
    const reasons: string[] = []
    server.events.on('stopping', ({ reason }) => void reasons.push(reason))
    server.add(GroupWorker, { name: 'bad' }).add(GroupWorker, { name: 'good' })
    const forever = server.runForever()
    await until(() => server.isReady)
    server.get('bad').send(broke)
    expect(await forever).toBe(1)
    process.exitCode = undefined
    expect(heard).toEqual(['ready', 'unhealthy', 'stopping', 'stopped'])
    expect(reasons).toEqual(['worker bad was given up'])
    expect(server.get('good').state).toBe('stopped')
    expect(logger.lines.at(-1)).toMatchObject({
      message: 'the server ends with code 1: not all of its workers ended well',
      fields: { failed: ['bad'] },
    })
  })

  test('as the last one alive ends the server with code 1, never with 0', async () => {
    const { server } = watched({ intensity: 0 })
    server.add(GroupWorker, { name: 'bad' })
    const forever = server.runForever()
    await until(() => server.isReady)
    server.get('bad').send(broke)
    expect(await forever).toBe(1)
    process.exitCode = undefined
  })

  test('when it is added to a running server is tried again, then given up', async () => {
    const { server, logger } = watched({ intensity: 2 })
    await server.start()
    let setups = 0
    server.add(GroupWorker, {
      name: 'late',
      setup: () => {
        setups++
        throw broke
      },
    })
    await until(() => !server.isLive)
    expect(setups).toBe(3)
    expect(logger.messages('error').at(-1)).toMatch(/^worker late cannot start and is given up/)
    await server.stop()
  })

  test('at its first start is tried again before the start of the server rejects', async () => {
    const { server } = watched({ intensity: 2 })
    let setups = 0
    const fails = (): void => {
      if (++setups < 3) throw broke
    }
    server.add(GroupWorker, { name: 'a', setup: fails })
    await server.start()
    expect([setups, server.isReady, server.isLive]).toEqual([3, true, true])
    await server.stop()
  })

  test('in a back-off does not hold a stop up', async () => {
    const { server } = watched({ backoff: '1m', maxBackoff: '1m' })
    server.add(GroupWorker, { name: 'a' })
    await server.start()
    server.get('a').send(broke)
    await until(() => server.get('a').state === 'failed')
    await server.stop()
    expect([server.get('a').state, server.isLive]).toEqual(['failed', true])
  })
})

describe('a group in a server', () => {
  test('starts, stops and is counted with the others', async () => {
    const { server } = watched()
    server.add(GroupWorker, { name: 'a' }).add(group())
    await server.start()
    expect(server.workers.map(({ name, isRunning }) => [name, isRunning])).toEqual([
      ['a', true],
      ['g-0', true],
      ['g-1', true],
    ])
    await server.stop()
    expect(server.workers.every(({ state }) => state === 'stopped')).toBe(true)
  })

  test('of which a worker is given up makes the server unhealthy', async () => {
    const { server, logger } = watched()
    server.add(group({}, { intensity: 0 }))
    await server.start()
    server.get('g-1').send(broke)
    await until(() => !server.isLive)
    expect(logger.messages('error').at(-1)).toBe('worker g-1 failed and is given up: the server is unhealthy')
    expect(server.get('g-0').isRunning).toBe(true)
    await server.stop()
  })

  test('that cannot start makes the start reject, and ends', async () => {
    const { server } = watched()
    const fails = (slot: number): Plan => ({ setup: () => (slot === 1 ? Promise.reject(broke) : undefined) })
    server.add(GroupWorker, { name: 'a' }).add(group(fails, { intensity: 0 }))
    await expect(server.start()).rejects.toBe(broke)
    expect(server.workers.some(({ isRunning }) => isRunning)).toBe(false)
  })

  test('shares the fate of the others where they live together', async () => {
    const { server } = watched({ strategy: 'one-for-all' })
    server.add(GroupWorker, { name: 'a' }).add(group())
    await server.start()
    const since = server.get('g-0').status().startedAt
    await until(() => Date.now() > since!)
    server.get('a').send(broke)
    await until(() => server.get('g-1').isRunning && server.get('g-0').status().startedAt !== since)
    expect(server.workers.every(({ isRunning }) => isRunning)).toBe(true)
    await server.stop()
  })

  test('is added once, and neither its name nor those of its slots are given twice', () => {
    const { server } = watched()
    const g = group()
    server.add(g)
    expect(() => server.add(g)).toThrow('expected worker to be added once, got g again')
    expect(() => server.add(group())).toThrow('got a second "g"')
    expect(() => server.add(GroupWorker, { name: 'g-1' })).toThrow('got a second "g-1"')
    // It may get that slot when it is scaled.
    expect(() => server.add(GroupWorker, { name: 'g-17' })).toThrow('got a second "g-17"')
    expect(() => server.add(GroupWorker, { name: 'g' })).toThrow('got a second "g"')
    server.add(GroupWorker, { name: 'g-one' }).add(GroupWorker, { name: 'h-3' })
    expect(() => server.add(group({}, { name: 'h' }))).toThrow('got a second "h-3"')
  })

  test('that was refused for its name is not listened to', async () => {
    const { server } = watched()
    server.add(GroupWorker, { name: 'g' })
    const refused = group({}, { intensity: 0 })
    expect(() => server.add(refused)).toThrow('got a second')
    await refused.start()
    refused.handles[0]!.send(broke)
    await until(() => refused.status()[0]?.state === 'failed')
    expect(server.isLive).toBe(true)
    await refused.stop()
  })
})

describe('a rolling reload', () => {
  test('replaces one worker at a time, with the others ready, and tells it', async () => {
    const { server, heard } = watched()
    const running: number[] = []
    const setup = (): void => void running.push(server.workers.filter(({ isRunning }) => isRunning).length)
    server.add(GroupWorker, { name: 'a', setup }).add(group({ setup }))
    await server.start()
    running.length = 0
    const before = server.workers.map(({ id }) => id)
    const reloaded = server.reload()
    expect(server.reload()).toBe(reloaded)
    await reloaded
    expect(running).toEqual([3, 3, 3])
    expect(server.workers.some(({ id }) => before.includes(id))).toBe(false)
    expect(heard).toEqual(['ready', 'reloading', 'ready'])
    await server.stop()
  })

  test('is given up at the first that is not ready; it and those after it go on as they were', async () => {
    const { server, logger, heard } = watched()
    let isBad = false
    const setup = (): void => {
      if (isBad) throw broke
    }
    server
      .add(GroupWorker, { name: 'a' })
      .add(GroupWorker, { name: 'b', setup })
      .add(GroupWorker, { name: 'c' })
    await server.start()
    const [, b, c] = server.workers.map(({ id }) => id)
    isBad = true
    await expect(server.reload()).rejects.toBe(broke)
    expect(server.workers.slice(1).map(({ id }) => id)).toEqual([b, c])
    expect(server.workers.every(({ isRunning }) => isRunning)).toBe(true)
    expect(logger.messages('error').at(-1)).toBe('reload given up: the new b is not ready')
    expect(heard).toEqual(['ready', 'reloading', 'ready'])
    expect([server.isReady, server.isLive]).toEqual([true, true])
    isBad = false
    await server.reload()
    await server.stop()
  })

  test('replaces an instance, of which there is only one, after its end', async () => {
    const { server } = watched()
    const instance = new GroupWorker({ name: 'a', logger: captureLogger() })
    const steps: string[] = []
    instance.events.on('startup', () => void steps.push('startup'))
    instance.events.on('shutdown', () => void steps.push('shutdown'))
    server.add(instance)
    await server.start()
    await server.reload()
    expect(steps).toEqual(['startup', 'shutdown', 'startup'])
    await server.stop()
  })

  test('before the start and after a stop is refused', async () => {
    const { server } = watched()
    await expect(server.reload()).rejects.toThrow(StateError)
    await server.start()
    await server.stop()
    await expect(server.reload()).rejects.toThrow('expected the server to be started')
  })
})

describe('a quiet server', () => {
  test('is live but not ready, also for workers that come later, until it resumes', async () => {
    const { server, heard } = watched()
    const first = new GroupWorker({ name: 'first', logger: captureLogger() })
    const late = new GroupWorker({ name: 'late', logger: captureLogger() })
    server.add(first)
    await server.start()
    server.quiet()
    server.quiet()
    expect([server.isReady, server.isLive, server.isStarted, first.isQuiet]).toEqual([
      false,
      true,
      true,
      true,
    ])
    server.add(late)
    await until(() => late.isRunning)
    expect(late.isQuiet).toBe(true)
    server.resume()
    server.resume()
    expect([server.isReady, first.isQuiet, late.isQuiet]).toEqual([true, false, false])
    expect(heard).toEqual(['ready', 'quiet', 'quiet'])
    await server.stop()
  })

  test('keeps a worker quiet that is started again', async () => {
    const { server } = watched()
    const worker = new GroupWorker({ name: 'a', logger: captureLogger() })
    server.add(worker)
    await server.start()
    server.quiet()
    worker.send(broke)
    await until(() => worker.isRunning && worker.status().restarts === 1)
    expect(worker.isQuiet).toBe(true)
    await server.stop()
  })
})

describe('the three answers', () => {
  test('started stays true from the first start on, ready and live as they are', async () => {
    const { server, heard } = watched()
    const answers = () => [server.isStarted, server.isReady, server.isLive]
    server.add(GroupWorker, { name: 'a' })
    expect(answers()).toEqual([false, false, true])
    await server.start()
    expect(answers()).toEqual([true, true, true])
    await server.stop()
    expect(answers()).toEqual([true, false, true])
    await server.start()
    await server.kill({ kind: 'signal', error: broke })
    expect(answers()).toEqual([true, false, false])
    expect(() => server.add(GroupWorker, { name: 'b' })).toThrow(StateError)
    await server.stop()
    expect(heard).toEqual(['ready', 'stopping', 'stopped', 'ready', 'stopping', 'stopped'])
  })
})
