/** The place of one worker: were it wrong about who is in it, a stop would leave somebody behind. */
import { describe, expect, test } from 'vitest'
import { MillhandError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { makeSlot } from '../../../src/server/make-slot.ts'
import { shutDown } from '../../../src/server/shutdown.ts'
import { Slot, type SlotOptions } from '../../../src/server/slot.ts'
import { captureLogger } from '../../../src/testing/index.ts'
import { WorkerHandle } from '../../../src/worker/handle.ts'
import { GroupWorker } from './group-worker.ts'
import { until } from '../../fixtures/until.ts'

const RESTART = { cause: undefined, restarts: 1 }
const MIB = 2 ** 20

function slotOf(options: Partial<SlotOptions> = {}, setup: () => void | Promise<void> = () => {}) {
  const oversized: Error[] = []
  const handle = new WorkerHandle(GroupWorker, { name: 'a', logger: silentLogger, setup })
  const slot = new Slot(
    handle,
    { restart: 'transient', stopTimeoutMs: undefined, reload: 'surge', maxMemory: undefined, ...options },
    (_slot, cause) => void oversized.push(cause),
  )
  return { slot, handle, oversized }
}

describe('a slot whose worker is replaced', () => {
  test('has the new one ready before the old one is asked, and one at the end', async () => {
    let lives = 0
    const { slot, handle } = slotOf({}, () => void lives++)
    await slot.start()
    const before = handle.id
    expect(await slot.surge(RESTART)).toBe(true)
    expect([handle.id === before, handle.isRunning, lives]).toEqual([false, true, 2])
    await slot.stop()
    expect(slot.isAlive).toBe(false)
  })

  test('is not surged where there may be only one', async () => {
    const { slot, handle } = slotOf({ reload: 'replace' })
    await slot.start()
    const before = handle.id
    expect(await slot.surge(RESTART)).toBe(false)
    expect(handle.id).toBe(before)
    await slot.stop()
  })

  test('is alive while the old one has failed and the new one is not ready, and a stop ends that one', async () => {
    const starting = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    let lives = 0
    const { slot, handle } = slotOf({}, async () => {
      if (++lives === 1) return
      starting.resolve()
      await gate.promise
    })
    await slot.start()
    const surging = expect(slot.surge(RESTART)).rejects.toThrow('was stopped while its successor')
    let hasEnded = false
    void slot.ended().then(() => (hasEnded = true))
    await starting.promise
    handle.send(new Error('broke'))
    await until(() => handle.state === 'failed')
    expect([slot.isAlive, hasEnded]).toEqual([true, false])
    const stopped = shutDown([slot], { timeoutMs: 5000, logger: silentLogger })
    gate.resolve()
    // Nobody had to be killed.
    expect(await stopped).toEqual([])
    await surging
    expect(slot.isAlive).toBe(false)
    await until(() => hasEnded)
  })
})

describe('a slot with a limit of memory', () => {
  test('tells of a worker above it at each sign of life, with both figures', () => {
    const { handle, oversized } = slotOf({ maxMemory: 100 * MIB })
    const usage = (mib: number): void =>
      handle.events.emit('usage', { worker: 'a', cpuPercent: 0, utilization: 0, memoryBytes: mib * MIB })
    usage(100)
    expect(oversized).toEqual([])
    usage(101)
    usage(130)
    expect(oversized.map(({ message }) => message)).toEqual([
      'worker a uses 101 MiB, more than its maxMemory of 100 MiB',
      'worker a uses 130 MiB, more than its maxMemory of 100 MiB',
    ])
    expect(oversized[0]).toMatchObject({ code: 'MEMORY_LIMIT' })
    expect(oversized[0]).toBeInstanceOf(MillhandError)
  })
})

describe('stopping members', () => {
  test('one that misses its deadline is killed, by name, and the others are not', async () => {
    const logger = captureLogger()
    const good = slotOf().slot
    const drain = (): Promise<void> => new Promise(() => {})
    const stuck = makeSlot(
      GroupWorker,
      { name: 'stuck', logger: silentLogger, drain },
      { stopTimeout: 10 },
      () => {},
    )
    await Promise.all([good.start(), stuck.start()])
    expect(await shutDown([good, stuck], { timeoutMs: 5000, logger })).toEqual(['stuck'])
    expect(logger.messages('error')).toEqual(['worker stuck is killed'])
    expect(good.isAlive).toBe(false)
  })
})

test.each(['stallThreshold', 'onStall', 'execArgv', 'env', 'resourceLimits', 'maxMemory'])(
  'the option %s is refused for a worker that runs inline, with the way out',
  (option) => {
    const values = { stallThreshold: '1s', onStall: 'kill', execArgv: [], env: {}, resourceLimits: {} }
    const value: unknown = Object.hasOwn(values, option) ? values[option as keyof typeof values] : '1GB'
    const make = () => makeSlot(GroupWorker, { logger: silentLogger }, { [option]: value }, () => {})
    expect(make).toThrow(`expected ${option} only for a worker in a thread or process`)
    expect(make).toThrow('extend ThreadWorker or ProcessWorker')
  },
)
