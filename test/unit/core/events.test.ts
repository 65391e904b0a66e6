import { expect, test, vi } from 'vitest'
import { Emitter } from '../../../src/core/events.ts'

interface Events {
  ready: { n: number }
  failed: { error: Error }
}

test('listeners hear of their event, in the order of subscription', () => {
  const events = new Emitter<Events>()
  const heard: string[] = []
  events.on('ready', ({ n }) => void heard.push(`first ${n}`))
  events.on('ready', ({ n }) => void heard.push(`second ${n}`))
  events.on('failed', () => void heard.push('never'))
  events.emit('ready', { n: 1 })
  expect(heard).toEqual(['first 1', 'second 1'])
})

test('a listener can be taken away, by itself while it listens too', () => {
  const events = new Emitter<Events>()
  const heard: string[] = []
  const off = events.on('ready', () => {
    heard.push('once')
    off()
  })
  const listener = () => void heard.push('other')
  events.on('ready', listener)
  events.emit('ready', { n: 1 })
  events.emit('ready', { n: 2 })
  expect(heard).toEqual(['once', 'other', 'other'])
  events.off('ready', listener)
  events.off('ready', listener)
  expect(events.has('ready')).toBe(false)
})

test('one added while an event is told hears of the next one only', () => {
  const events = new Emitter<Events>()
  const heard: number[] = []
  events.on('ready', ({ n }) => {
    if (n === 1) events.on('ready', (next) => void heard.push(next.n))
  })
  events.emit('ready', { n: 1 })
  events.emit('ready', { n: 2 })
  expect(heard).toEqual([2])
})

test('a failing listener reaches onError, with its event, and nobody else', async () => {
  const failures: [unknown, string][] = []
  const events = new Emitter<Events>((error, event) => void failures.push([error, event]))
  const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
  let isHeard = false
  events.on('ready', () => {
    throw thrown
  })
  events.on('ready', () => Promise.reject(rejected))
  events.on('ready', () => void (isHeard = true))
  events.emit('ready', { n: 1 })
  expect(isHeard).toBe(true)
  await vi.waitFor(() => expect(failures).toHaveLength(2), 20_000)
  expect(failures).toEqual([
    [thrown, 'ready'],
    [rejected, 'ready'],
  ])
})

test('without onError a failing listener is a warning of the process', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const events = new Emitter<Events>()
  events.on('ready', () => {
    throw new Error('thrown')
  })
  events.emit('ready', { n: 1 })
  expect(warned).toHaveBeenCalledWith(
    expect.stringContaining('"ready" failed: Error: thrown'),
    'MillhandWarning',
  )
  warned.mockRestore()
})
