import { afterEach, describe, expect, it } from 'vitest'
import { StreamGroup, type StreamGroupOptions, type StreamWorkerClass } from 'millhand/stream'
import { captureLogger } from 'millhand/testing'
import { Emitting, Ticking } from '../fixtures/stream/bad-workers.ts'
import { until } from '../fixtures/until.ts'

const groups: StreamGroup[] = []

async function start(workerClass: StreamWorkerClass, options: StreamGroupOptions): Promise<StreamGroup> {
  const group = new StreamGroup(workerClass, { logger: captureLogger(), ...options })
  groups.push(group)
  await group.start()
  return group
}

afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.stop({ timeout: 1000 })))
})

/** An output that takes nothing before it is opened. */
class Gate {
  readonly taken: string[] = []
  readonly #opened = Promise.withResolvers<void>()
  waiting = 0

  open(): void {
    this.#opened.resolve()
  }

  async add(_key: string, data: unknown): Promise<void> {
    this.waiting++
    await this.#opened.promise
    this.taken.push(data as string)
  }
}

describe.each(['inline', 'thread', 'process'] as const)('a worker that emits, %s', (placement) => {
  it('hears while it stops that all has arrived, and ends', async () => {
    const gate = new Gate()
    const group = await start(Ticking, { placement, outputs: { out: gate } })
    await until(() => gate.waiting > 0)
    const handle = group.handles[0]!
    const stopped = group.stop()
    await until(() => handle.state === 'stopping')
    const { waiting } = gate
    gate.open()
    await stopped
    expect(handle.error).toBeUndefined()
    expect(gate.taken.length).toBeGreaterThanOrEqual(waiting)
  })

  it('ends without a fault when it is one too many, and its outputs are slow', async () => {
    let [emitted, taken] = [0, 0]
    const slow = async (): Promise<void> => {
      emitted++
      await new Promise((resolve) => void setTimeout(resolve, 50))
      taken++
    }
    const group = await start(Ticking, { placement, workers: 2, outputs: { out: { add: slow } } })
    await until(() => emitted > 10)
    const leaving = group.handles[1]!
    await group.scale(1)
    expect([leaving.state, leaving.error]).toEqual(['stopped', undefined])
    expect(taken).toBeGreaterThan(10)
  })

  it('hands its keys over though its outputs take nothing at the moment', async () => {
    const gate = new Gate()
    const group = await start(Emitting, { placement, workers: 2, outputs: { out: gate } })
    for (let number = 0; number < 2000; number++) await group.route(`key ${number}`, String(number))
    await until(() => gate.waiting === 2000)
    let moves = 0
    group.streamEvents.on('moved', () => void moves++)
    const leaving = group.handles[1]!
    const began = performance.now()
    const scaled = group.scale(1)
    await until(() => leaving.state === 'stopping')
    // What is not done since nobody takes it, is not what a hand-over should wait for: some hundred wait one by one.
    expect(moves).toBeGreaterThan(400)
    expect(performance.now() - began).toBeLessThan(10_000)
    gate.open()
    await scaled
    expect(new Set(gate.taken).size).toBe(2000)
  })
})
