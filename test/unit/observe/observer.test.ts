import { describe, expect, test, vi } from 'vitest'
import { observe } from '../../../src/observe/observer.ts'
import { ALL_OUTCOMES, StubWorker } from './stub-worker.ts'

describe('an observer', () => {
  test('hears of start, stop and each attempt that was processed or failed, with name and id', () => {
    const worker = new StubWorker()
    const heard: unknown[] = []
    observe(worker, {
      started: (...args) => void heard.push(['started', ...args]),
      stopped: (...args) => void heard.push(['stopped', ...args]),
      messageProcessed: (...args) => void heard.push(['message', ...args]),
    })
    worker.startup()
    worker.finish(...ALL_OUTCOMES)
    worker.shutdown()
    expect(heard).toEqual([
      ['started', 'mail', 'mail-id'],
      ['message', 'mail', 'mail-id', true],
      ['message', 'mail', 'mail-id', false],
      ['message', 'mail', 'mail-id', false],
      ['message', 'mail', 'mail-id', false],
      ['stopped', 'mail', 'mail-id'],
    ])
  })

  test('may leave methods out, which then cost nothing', () => {
    const worker = new StubWorker()
    observe(worker, {})
    expect(worker.events.has('attempts')).toBe(false)
    worker.startup()
  })

  test('keeps its `this`', () => {
    const worker = new StubWorker()
    class Counter {
      count = 0
      messageProcessed(): void {
        this.count++
      }
    }
    const counter = new Counter()
    observe(worker, counter)
    worker.finish('done', 'done')
    expect(counter.count).toBe(2)
  })

  test('that fails hides no later attempt from itself, nor any from others', async () => {
    const emitterHeard = vi.fn()
    const worker = new StubWorker('mail', emitterHeard)
    const errors: string[] = []
    let calls = 0
    observe(
      worker,
      {
        started: () => Promise.reject(new Error('async')),
        messageProcessed: () => {
          calls++
          throw new Error(`sync ${calls}`)
        },
      },
      { onError: (error) => errors.push((error as Error).message) },
    )
    const other = vi.fn()
    observe(worker, { messageProcessed: other })
    worker.startup()
    worker.finish('done', 'retry', 'done')
    await vi.waitFor(() => expect(errors).toHaveLength(4), 20_000)
    expect(errors.toSorted()).toEqual(['async', 'sync 1', 'sync 2', 'sync 3'])
    expect(other).toHaveBeenCalledTimes(3)
    expect(emitterHeard).not.toHaveBeenCalled()
  })

  test('that always fails is warned of once', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const worker = new StubWorker()
    observe(worker, {
      messageProcessed: () => {
        throw new Error('no')
      },
    })
    worker.finish('done', 'done', 'done')
    expect(warning).toHaveBeenCalledTimes(1)
    expect(warning.mock.calls[0]?.[0]).toContain('an observer of worker mail failed')
    warning.mockRestore()
  })

  test('whose onError fails as well still hears of every attempt', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const worker = new StubWorker()
    const messageProcessed = vi.fn(() => {
      throw new Error('no')
    })
    observe(
      worker,
      { messageProcessed },
      {
        onError: () => {
          throw new Error('worse')
        },
      },
    )
    worker.finish('done', 'done')
    expect(messageProcessed).toHaveBeenCalledTimes(2)
    warning.mockRestore()
  })

  test('hears nothing after its end', () => {
    const worker = new StubWorker()
    const started = vi.fn()
    const messageProcessed = vi.fn()
    const end = observe(worker, { started, messageProcessed })
    end()
    end()
    worker.startup()
    worker.finish('done')
    expect(started).not.toHaveBeenCalled()
    expect(messageProcessed).not.toHaveBeenCalled()
  })
})
