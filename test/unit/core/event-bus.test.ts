import { describe, expect, test, vi } from 'vitest'
import { EventBus, type EventFailure } from '../../../src/core/event-bus.ts'
import { captureLogger } from '../../../src/testing/index.ts'

interface Events {
  'pr.created': { number: number }
  drained: void
}

const quiet = { onError: () => {} }

describe('an event bus', () => {
  test('tells every subscriber of the event, and of that event only', async () => {
    const bus = new EventBus<Events>()
    const heard: unknown[] = []
    bus.subscribe('pr.created', (pr) => heard.push(['first', pr.number]))
    bus.subscribe('pr.created', async (pr) => heard.push(['second', pr.number]))
    bus.subscribe('drained', () => heard.push('drained'))

    expect(await bus.publish('pr.created', { number: 7 })).toEqual({
      handlers: 2,
      failures: [],
      refused: false,
    })
    expect(heard).toEqual([
      ['first', 7],
      ['second', 7],
    ])
  })

  test('publishes an event that carries nothing without a value, and one that nobody hears', async () => {
    const bus = new EventBus<Events>()
    expect(await bus.publish('drained')).toEqual({ handlers: 0, failures: [], refused: false })
  })

  test('resolves when the slowest handler has ended', async () => {
    const bus = new EventBus<Events>()
    const gate = Promise.withResolvers<void>()
    let ended = false
    bus.subscribe('drained', () => gate.promise)
    const published = bus.publish('drained').then(() => (ended = true))
    await Promise.resolve()
    expect(ended).toBe(false)
    gate.resolve()
    await published
    expect(ended).toBe(true)
  })

  test('isolates handlers that throw, reject or throw nothing at all, and reports each', async () => {
    const reported: EventFailure[] = []
    const bus = new EventBus<Events>({ onError: (failure) => reported.push(failure) })
    const heard: string[] = []
    bus.subscribe('drained', function thrower() {
      throw new Error('sync')
    })
    bus.subscribe('drained', async () => Promise.reject(new Error('async')))
    bus.subscribe('drained', () => {
      // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error
      throw undefined
    })
    bus.subscribe('drained', () => heard.push('last'))

    const { handlers, failures } = await bus.publish('drained')
    expect(handlers).toBe(4)
    expect(heard).toEqual(['last'])
    expect(failures.map(({ error }) => error.message)).toEqual([
      'sync',
      'async',
      expect.stringContaining('not an Error'),
    ])
    expect(failures[0]).toMatchObject({ event: 'drained', handler: 'thrower' })
    expect(reported).toHaveLength(3)
  })

  test('logs failures when there is a logger and no onError', async () => {
    const logger = captureLogger()
    const bus = new EventBus<Events>({ logger })
    const error = new Error('no')
    bus.subscribe('drained', () => Promise.reject(error))
    await bus.publish('drained')
    expect(logger.lines).toEqual([
      {
        level: 'error',
        message: 'a handler of "drained" failed',
        fields: { err: error, event: 'drained', handler: '(anonymous)' },
      },
    ])
  })

  test('does not reject even when onError throws', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const bus = new EventBus<Events>({
      onError: () => {
        throw new Error('worse')
      },
    })
    bus.subscribe('drained', () => Promise.reject(new Error('bad')))
    const { failures } = await bus.publish('drained')
    expect(failures).toHaveLength(1)
    expect(warning.mock.calls[0]?.[0]).toContain('worse')
    warning.mockRestore()
  })

  test('waits for a handler no longer than handlerTimeout', async () => {
    const bus = new EventBus<Events>({ ...quiet, handlerTimeout: 5 })
    bus.subscribe('drained', () => new Promise(() => {}))
    // Keeps the process awake: the bus itself does not.
    const awake = setTimeout(() => {}, 4000)
    const { failures } = await bus.publish('drained')
    clearTimeout(awake)
    expect(failures[0]?.error.message).toContain('did not end within 5ms (handlerTimeout)')
  })

  test('unsubscribes by the returned function and by name, as often as one likes', async () => {
    const bus = new EventBus<Events>()
    const heard: string[] = []
    const first = bus.subscribe('drained', () => heard.push('first'))
    const second = (): void => void heard.push('second')
    bus.subscribe('drained', second)
    first()
    first()
    bus.unsubscribe('drained', second)
    bus.unsubscribe('drained', second)
    expect((await bus.publish('drained')).handlers).toBe(0)
    expect(heard).toEqual([])
  })

  test('a handler that is unsubscribed while the event is published is left out, one that is new waits', async () => {
    const bus = new EventBus<Events>()
    const heard: string[] = []
    const later = (): void => void heard.push('later')
    bus.subscribe('drained', () => {
      bus.unsubscribe('drained', later)
      bus.subscribe('drained', () => heard.push('new'))
    })
    bus.subscribe('drained', later)
    expect((await bus.publish('drained')).handlers).toBe(1)
    expect(heard).toEqual([])
  })

  test('refuses more handlers of an event than maxHandlers, but not the same one again', () => {
    const bus = new EventBus<Events>({ maxHandlers: 1 })
    const handler = (): void => {}
    bus.subscribe('drained', handler)
    bus.subscribe('drained', handler)
    expect(() => bus.subscribe('drained', () => {})).toThrow(/"drained" has 1 handlers already/)
    expect(() => bus.subscribe('pr.created', () => {})).not.toThrow()
  })

  test('refuses events above maxPending, tells so, and takes them again when others have ended', async () => {
    const reported: EventFailure[] = []
    const bus = new EventBus<Events>({ maxPending: 2, onError: (failure) => reported.push(failure) })
    const gate = Promise.withResolvers<void>()
    bus.subscribe('drained', () => gate.promise)
    const pending = [bus.publish('drained'), bus.publish('drained')]
    const third = await bus.publish('drained')
    expect(third).toMatchObject({ handlers: 0, refused: true })
    expect(third.failures[0]?.error).toMatchObject({ code: 'INVALID_STATE' })
    expect(reported).toHaveLength(1)
    gate.resolve()
    await Promise.all(pending)
    expect(await bus.publish('drained')).toMatchObject({ handlers: 1, refused: false })
  })

  test('refuses unknown options with a guess', () => {
    // @ts-expect-error a misspelt option is an error for the compiler, too
    expect(() => new EventBus({ maxHandler: 3 })).toThrow('did you mean "maxHandlers"?')
  })

  test('knows its events and their values at compile time', () => {
    const check = (bus: EventBus<Events>): void => {
      // @ts-expect-error there is no such event
      bus.subscribe('pr.creatd', () => {})
      // @ts-expect-error a value of another type
      void bus.publish('pr.created', { number: 'seven' })
      // @ts-expect-error a value that is missing
      void bus.publish('pr.created')
      // @ts-expect-error a handler of another type
      bus.subscribe('pr.created', (value: string) => value)
    }
    expect(check).toBeTypeOf('function')
  })
})
