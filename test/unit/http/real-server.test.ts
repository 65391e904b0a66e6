/** The probes of a real server: what they answer is only as good as what it says of itself. */
import { Server, Worker } from 'millhand'
import { captureLogger } from 'millhand/testing'
import { afterEach, expect, test } from 'vitest'
import { ProbeServer } from '../../../src/http/index.ts'
import { until } from '../../fixtures/until.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

class Gated extends Worker {
  readonly up = Promise.withResolvers<void>()
  readonly drained = Promise.withResolvers<void>()
  readonly broken = Promise.withResolvers<void>()
  protected override async setup(): Promise<void> {
    await this.up.promise
  }
  protected override async main(): Promise<void> {
    await Promise.race([this.broken.promise, this.sleep('1h')])
    await this.drained.promise
  }
}

async function probed() {
  const logger = captureLogger()
  const worker = new Gated({ name: 'gated', logger })
  const server = new Server({ logger, intensity: 0 }).add(worker)
  const probes = new ProbeServer(server, { port: 0 })
  await probes.start()
  stops.push(
    () => probes.stop(),
    async () => {
      worker.up.resolve()
      worker.drained.resolve()
      await server.stop()
    },
  )
  const ask = async () => {
    const answers = ['/startup', '/ready', '/live'].map(async (path) => {
      const response = await fetch(probes.url + path)
      const { reason } = (await response.json()) as { reason?: string }
      return reason ?? response.status
    })
    return await Promise.all(answers)
  }
  return { server, worker, ask }
}

test('starting, up, quiet, draining, stopped', async () => {
  const { server, worker, ask } = await probed()
  expect(await ask()).toEqual(['not started yet: gated', 'not started yet: gated', 200])
  const started = server.start()
  await until(() => worker.state === 'starting')
  expect(await ask()).toEqual(['not started yet: gated', 'not started yet: gated', 200])
  worker.up.resolve()
  await started
  expect(await ask()).toEqual([200, 200, 200])
  server.quiet()
  expect(await ask()).toEqual([200, 'takes no new work', 200])
  server.resume()
  expect(await ask()).toEqual([200, 200, 200])
  const stopped = server.stop()
  expect(await ask()).toEqual([200, 'draining', 200])
  worker.drained.resolve()
  await stopped
  expect(await ask()).toEqual([200, 'stopped', 200])
})

test('a worker that failed for good ends liveness, by name', async () => {
  const { server, worker, ask } = await probed()
  worker.up.resolve()
  await server.start()
  worker.broken.reject(new Error('gone for good'))
  await until(() => !server.isLive)
  expect(await ask()).toEqual([200, 200, 'failed for good: gated'])
})
