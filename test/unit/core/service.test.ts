import { expect, test } from 'vitest'
import { Service } from '../../../src/core/service.ts'

class Probe extends Service {
  readonly notes: string[] = []
  gate: Promise<void> = Promise.resolve()
  failing: 'start' | 'stop' | undefined

  protected override async onStart(): Promise<void> {
    this.notes.push('start')
    await this.gate
    if (this.failing === 'start') throw new Error('cannot start')
  }

  protected override async onStop(): Promise<void> {
    this.notes.push('stop')
    await this.gate
    if (this.failing === 'stop') throw new Error('cannot stop')
  }
}

test('starts once and stops once, however often it is asked', async () => {
  const probe = new Probe()
  await Promise.all([probe.start(), probe.start()])
  await probe.start()
  expect(probe.running).toBe(true)
  await Promise.all([probe.stop(), probe.stop()])
  await probe.stop()
  expect([probe.running, probe.notes]).toEqual([false, ['start', 'stop']])
})

test('a stop before start does nothing', async () => {
  const probe = new Probe()
  await probe.stop()
  expect(probe.notes).toEqual([])
})

test('a stop during start waits for it, then stops', async () => {
  const probe = new Probe()
  const gate = Promise.withResolvers<void>()
  probe.gate = gate.promise
  const started = probe.start()
  const stopped = probe.stop()
  gate.resolve()
  await Promise.all([started, stopped])
  expect([probe.running, probe.notes]).toEqual([false, ['start', 'stop']])
})

test('a start during stop waits for it, then starts', async () => {
  const probe = new Probe()
  await probe.start()
  const stopped = probe.stop()
  const started = probe.start()
  await Promise.all([started, stopped])
  expect([probe.running, probe.notes]).toEqual([true, ['start', 'stop', 'start']])
  await probe.stop()
  expect(probe.running).toBe(false)
})

test('two starts during a stop start once', async () => {
  const probe = new Probe()
  await probe.start()
  const stopped = probe.stop()
  await Promise.all([probe.start(), probe.start(), stopped])
  expect(probe.notes).toEqual(['start', 'stop', 'start'])
})

test('a stop after a start during a stop is not lost', async () => {
  const probe = new Probe()
  await probe.start()
  await Promise.all([probe.stop(), probe.start(), probe.stop()])
  expect(probe.running).toBe(false)
  expect(probe.notes.filter((note) => note === 'start').length).toBe(
    probe.notes.filter((note) => note === 'stop').length,
  )
})

test('a start that fails rejects, stops nothing, and can be tried again', async () => {
  const probe = new Probe()
  probe.failing = 'start'
  await expect(probe.start()).rejects.toThrow('cannot start')
  await probe.stop()
  probe.failing = undefined
  await probe.start()
  expect([probe.running, probe.notes]).toEqual([true, ['start', 'start']])
})

test('a stop during a start that fails resolves', async () => {
  const probe = new Probe()
  probe.failing = 'start'
  const started = probe.start()
  await Promise.all([expect(started).rejects.toThrow('cannot start'), probe.stop()])
  expect(probe.notes).toEqual(['start'])
})

test('a stop that fails rejects, and it can be started again', async () => {
  const probe = new Probe()
  await probe.start()
  probe.failing = 'stop'
  await expect(probe.stop()).rejects.toThrow('cannot stop')
  probe.failing = undefined
  await probe.start()
  expect(probe.running).toBe(true)
})
