/** Worker processes that share the messages of a broker: what is lost, what is done twice, and who notices. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WorkerManager, type WorkerManagerOptions } from 'millhand/mqtt'
import { captureLogger } from 'millhand/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { router } from '../fixtures/mqtt/ledger-router.ts'
import { Ledger, Load } from '../fixtures/mqtt/ledger.ts'
import { until } from '../fixtures/until.ts'
import { startMosquitto } from '../servers/mosquitto.ts'
import type { PrivateServer } from '../servers/private-server.ts'

let broker: PrivateServer
let folder: string
let ledger: Ledger
let logger: ReturnType<typeof captureLogger>
const managers: WorkerManager[] = []
let next = 0

beforeAll(async () => {
  broker = await startMosquitto()
})
afterAll(() => broker.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millhand-mqtt-'))
  ledger = new Ledger(join(folder, 'ledger'))
  logger = captureLogger()
  next++
})
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.stopWorkers({ timeout: '5s' })))
  await rm(folder, { recursive: true })
})

function manager(options: Partial<WorkerManagerOptions> = {}): WorkerManager {
  const made = new WorkerManager(options.routerDirectory === undefined ? router : undefined, {
    ...(options.routerDirectory === undefined && {
      module: new URL('../fixtures/mqtt/ledger-router.ts', import.meta.url).href,
    }),
    ...{ groupName: `group-${next}`, clientId: `test-${next}`, connection: { url: broker.url }, logger },
    supervision: { env: { LEDGER: join(folder, 'ledger') } },
    ...options,
  })
  managers.push(made)
  return made
}

function pids(of: WorkerManager): (number | undefined)[] {
  return of.health().workers.map(({ pid }) => pid)
}

async function allHandled(ids: readonly string[]): Promise<void> {
  await until(() => {
    const counts = ledger.counts()
    return ids.every((id) => counts.has(id))
  })
}

function twice(): string[] {
  return [...ledger.counts()].filter(([, count]) => count > 1).map(([id]) => id)
}

describe('a group of workers', () => {
  test('shares the messages of shared routes, each to one, and what is not shared belongs to the first', async () => {
    const workers = manager()
    await workers.startWorkers(3)
    expect(workers.getWorkerCount()).toBe(3)
    expect(workers.getSharedRoutesInfo()).toEqual([
      { topic: 'jobs/{id}', mqttTopic: 'jobs/+', qos: 1, workerCount: 1 },
      { topic: 'pairs/{id}', mqttTopic: 'pairs/+', qos: 1, workerCount: 2 },
      { topic: 'hang', mqttTopic: 'hang', qos: 1, workerCount: 1 },
    ])
    const ids: string[] = []
    for (const topic of ['jobs', 'pairs', 'state']) {
      const load = await Load.start(broker.url, 500, topic)
      await until(() => load.count >= 60)
      const prefix = topic === 'jobs' ? '' : `${topic.replace(/s$/, '')}-`
      ids.push(...(await load.stop()).map((id) => prefix + id))
    }
    await allHandled(ids)
    expect(twice()).toEqual([])
    const [first, second, third] = pids(workers)
    const whoDid = (prefix: RegExp): Set<number> =>
      new Set(
        ledger
          .entries()
          .filter(({ id }) => prefix.test(id))
          .map(({ pid }) => pid),
      )
    expect(whoDid(/^\d/)).toEqual(new Set([first, second, third]))
    expect(whoDid(/^pair/)).toEqual(new Set([first, second]))
    expect(whoDid(/^state/)).toEqual(new Set([first]))
  })

  test('loses nothing when a worker is killed under load, and starts it again', async () => {
    const workers = manager()
    await workers.startWorkers(2)
    const [killed, other] = pids(workers)
    const load = await Load.start(broker.url, 500)
    await until(() => ledger.entries().length > 100)
    process.kill(killed!, 'SIGKILL')
    await until(() => workers.health().workers[0]!.restarts === 1 && workers.health().active === 2)
    await until(() => load.count > 500)
    const ids = await load.stop()
    await allHandled(ids)
    expect(workers.health().workers[1]).toMatchObject({ pid: other, restarts: 0, alive: true })
    expect(pids(workers)[0]).not.toBe(killed)
    // Only what the dead one had in hand may have been done twice.
    const again = ledger.entries().filter(({ id }) => twice().includes(id))
    expect(again.every(({ pid }) => pid === killed || pid === pids(workers)[0])).toBe(true)
    expect(twice().length).toBeLessThanOrEqual(100)
  })

  test('grows from 1 to 4 and back under load: nothing lost, nothing twice, nobody else restarted', async () => {
    const workers = manager()
    await workers.startWorkers(1)
    const [first] = pids(workers)
    const scaled: number[] = []
    workers.events.on('scaled', ({ to }) => void scaled.push(to))
    const load = await Load.start(broker.url, 600)
    await until(() => ledger.entries().length > 50)
    await workers.scaleTo(4)
    const four = pids(workers)
    const seen = ledger.entries().length
    await until(() => ledger.pids().size === 4 && ledger.entries().length > seen + 200)
    await workers.scaleTo(1)
    await until(() => load.count > 800)
    const ids = await load.stop()
    await allHandled(ids)
    expect(twice()).toEqual([])
    expect(scaled).toEqual([2, 3, 4, 3, 2, 1])
    expect(four[0]).toBe(first)
    expect(new Set(four)).toEqual(ledger.pids())
    expect(workers.health()).toMatchObject({ total: 1, active: 1, workers: [{ pid: first, restarts: 0 }] })
  })

  test('that starts again smaller handles what waits in the sessions of the others, and ends those', async () => {
    const larger = manager()
    await larger.startWorkers(3)
    await larger.stopWorkers()
    // The broker deals it to all three, who are not there.
    const load = await Load.start(broker.url, 500)
    await until(() => load.count >= 90)
    const ids = await load.stop()
    expect(ledger.entries()).toEqual([])
    const smaller = manager()
    await smaller.startWorkers(1)
    await allHandled(ids)
    await until(
      () => logger.lines.filter(({ message }) => message.includes('is empty and ended')).length === 2,
    )
    const more = await Load.start(broker.url, 500)
    await until(() => more.count >= 60)
    await more.stop()
    await until(() => ledger.entries().length === ids.length + more.count)
  })

  test('handles what has arrived when it stops, and finds the rest when it starts again', async () => {
    const workers = manager()
    await workers.startWorkers(1)
    const load = await Load.start(broker.url, 1000)
    await until(() => ledger.entries().length > 50)
    await workers.stopWorkers()
    const ids = await load.stop()
    const before = ledger.entries().length
    await workers.startWorkers(1)
    await allHandled(ids)
    expect(ledger.entries().length).toBeGreaterThanOrEqual(before)
    expect(twice()).toEqual([])
  })

  test('goes on without a worker that is given up, and what was dealt to that one is handled', async () => {
    const workers = manager({
      supervision: { env: { LEDGER: join(folder, 'ledger') }, intensity: 0 },
    })
    await workers.startWorkers(2)
    const [other, killed] = pids(workers)
    const given: string[] = []
    workers.events.on('failed', ({ worker }) => void given.push(worker))
    const load = await Load.start(broker.url, 300)
    await until(() => ledger.pids().size === 2)
    process.kill(killed!, 'SIGKILL')
    await until(() => logger.messages('info').some((message) => message.endsWith('-1 is empty and ended')), {
      timeout: '20s',
    })
    const ids = await load.stop()
    await allHandled(ids)
    expect(given).toEqual(['mqtt-1'])
    expect(workers.health().workers[0]).toMatchObject({ pid: other, restarts: 0, alive: true })
  })

  test('grows by what waits at the broker, and shrinks when nothing does', async () => {
    let depth = 5000
    const workers = manager({ scaling: { every: '200ms', maxWorkers: 3, depth: () => depth } })
    await workers.startWorkers(1)
    const [first] = pids(workers)
    await until(() => workers.health().active === 3, { timeout: '20s' })
    depth = 0
    await until(() => workers.getWorkerCount() === 1, { timeout: '20s' })
    expect(pids(workers)).toEqual([first])
  })

  test('serves all routers of a directory', async () => {
    const index = new URL('../../src/topic/mqtt/index.ts', import.meta.url).href
    const fixture = new URL('../fixtures/mqtt/ledger-router.ts', import.meta.url).href
    await writeFile(join(folder, 'a.ts'), `export { router } from ${JSON.stringify(fixture)}`)
    const own = `import { Router } from ${JSON.stringify(index)}\nexport const router = new Router().on('own', () => {})`
    await writeFile(join(folder, 'b.ts'), own)
    const workers = manager({ routerDirectory: folder })
    await workers.startWorkers(2)
    const load = await Load.start(broker.url, 500)
    await until(() => load.count >= 60)
    await allHandled(await load.stop())
    expect(ledger.pids()).toEqual(new Set(pids(workers)))
  })

  test('starts a worker again whose handler never ends, when it may kill a blocked one', async () => {
    const workers = manager({
      supervision: { env: { LEDGER: join(folder, 'ledger') }, stallThreshold: '1500ms', onStall: 'kill' },
    })
    await workers.startWorkers(1)
    const [blocked] = pids(workers)
    const load = await Load.start(broker.url, 1, 'none')
    await load.stop()
    await publish('hang')
    await until(() => pids(workers)[0] !== blocked && workers.health().workers[0]!.restarts >= 1)
  })
})

describe('what keeps a group from starting', () => {
  test('a broker that is not there', async () => {
    const workers = manager({
      connection: { url: 'mqtt://127.0.0.1:9', patience: 0 },
      supervision: { intensity: 0 },
    })
    await expect(workers.startWorkers(2)).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1:9'),
    })
    expect(workers.getWorkerCount()).toBe(0)
  })

  test('a file of its directory that cannot be loaded, which is named with its line', async () => {
    await writeFile(join(folder, 'broken.mjs'), 'export const a = 1\nconst b = = 2\n')
    const workers = manager({ routerDirectory: folder })
    await expect(workers.startWorkers()).rejects.toThrow(/broken\.mjs:2:/)
    expect(workers.getWorkerCount()).toBe(0)
  })

  test('more workers than the routes may use, and workers that were not started', async () => {
    const workers = manager()
    await expect(workers.scaleTo(2)).rejects.toThrow('to be started before')
    await expect(workers.startWorkers(0)).rejects.toThrow('an integer from 1 to 64')
    await expect(workers.startWorkers(65)).rejects.toThrow('an integer from 1 to 64')
  })

  test('neither a router nor a directory, or a router that no process could find', () => {
    expect(() => new WorkerManager(undefined, {})).toThrow('routerDirectory')
    expect(() => new WorkerManager(router, {})).toThrow('module to be import.meta.url')
  })
})

async function publish(topic: string): Promise<void> {
  const { MqttConnection } = await import('millhand/mqtt')
  const connection = new MqttConnection({ url: broker.url }, () => {})
  await connection.connect()
  await connection.publish(topic, '1', { qos: 1 })
  await connection.disconnect()
}
