import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { InvalidOptionError, StateError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { KillCause } from '../../../src/core/telemetry.ts'
import { captureLogger, recordEvents } from '../../../src/testing/index.ts'
import type { LifecycleEvent } from '../../../src/worker/lifecycle.ts'
import type { WorkerOptions } from '../../../src/worker/worker-options.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../fixtures/until.ts'

interface Hooks {
  setup?: (worker: Probe) => void | Promise<void>
  main?: (worker: Probe) => void | Promise<void>
  teardown?: (worker: Probe) => void | Promise<void>
  lifecycle?: (event: LifecycleEvent) => void | Promise<void>
  onKill?: (cause: KillCause) => void | Promise<void>
}

/** A worker whose hooks are given, and who notes what was called. */
class Probe extends Worker<Hooks, { notes: string[] }> {
  readonly notes: string[] = []

  constructor(hooks: Hooks & WorkerOptions = {}) {
    super({ logger: silentLogger, ...hooks })
  }

  override async setup(): Promise<void> {
    this.notes.push(`setup ${this.isRunning}`)
    await this.options.setup?.(this)
  }

  override async main(): Promise<void> {
    this.notes.push(`main ${this.isRunning}`)
    if (this.options.main) return this.options.main(this)
    while (this.isRunning) await this.sleep('1h')
  }

  override async teardown(): Promise<void> {
    this.notes.push(`teardown ${this.isRunning}`)
    await this.options.teardown?.(this)
  }

  override async lifecycle(event: LifecycleEvent): Promise<void> {
    this.notes.push(`${event.type} ${this.isRunning}`)
    await this.options.lifecycle?.(event)
  }

  override onKill(cause: KillCause): void | Promise<void> {
    this.notes.push(`onKill ${cause.kind}`)
    return this.options.onKill?.(cause)
  }

  nap(duration: number | string): Promise<boolean> {
    return this.sleep(duration)
  }
}

const cause: KillCause = { kind: 'deadline', error: new Error('too late') }
const oneLife = ['setup false', 'startup true', 'main true', 'teardown false', 'shutdown false']

describe('the life of a worker', () => {
  test('is setup, startup, main, teardown, shutdown; it runs only in between', async () => {
    const worker = new Probe()
    expect([worker.state, worker.isRunning]).toEqual(['new', false])
    await worker.start()
    expect([worker.state, worker.isRunning, worker.signal.aborted]).toEqual(['running', true, false])
    const stopped = worker.stop()
    expect([worker.isRunning, worker.signal.aborted]).toEqual([false, true])
    await stopped
    expect([worker.state, worker.isRunning, worker.error]).toEqual(['stopped', false, undefined])
    expect(worker.notes).toEqual(oneLife)
  })

  test('takes hooks that are not async, and that stay protected', async () => {
    const notes: string[] = []
    class Plain extends Worker {
      protected override setup(): void {
        notes.push('setup')
      }
      protected override main(): void {
        notes.push('main')
      }
      protected override teardown(): void {
        notes.push('teardown')
      }
      protected override lifecycle(event: LifecycleEvent): void {
        notes.push(event.type)
      }
    }
    const worker = new Plain({ logger: silentLogger })
    await worker.start()
    await worker.join()
    expect(notes).toEqual(['setup', 'startup', 'main', 'teardown', 'shutdown'])
  })

  test('can be lived again, with a signal of its own and the same context', async () => {
    const worker = new Probe()
    await worker.start()
    const first = worker.signal
    worker.context.notes = ['kept']
    await worker.stop()
    await worker.start()
    expect([first.aborted, worker.signal.aborted, worker.isRunning]).toEqual([true, false, true])
    expect(worker.context.notes).toEqual(['kept'])
    await worker.stop()
    expect(worker.notes).toEqual([...oneLife, ...oneLife])
  })

  test('ends by itself when main returns, and its signal tells those who still wait', async () => {
    const worker = new Probe({ main: () => {} })
    await worker.start()
    await worker.join()
    expect([worker.state, worker.signal.aborted]).toEqual(['stopped', true])
  })

  test('start twice starts once', async () => {
    const worker = new Probe()
    await Promise.all([worker.start(), worker.start()])
    await worker.start()
    await worker.stop()
    expect(worker.notes).toEqual(oneLife)
  })

  test('is not begun again before it has ended', async () => {
    const worker = new Probe({ teardown: () => wait(20) })
    await worker.start()
    const stopped = worker.stop()
    await expect(worker.start()).rejects.toThrow(StateError)
    await stopped
    await worker.start()
    await worker.stop()
  })
})

describe('what fails in a worker', () => {
  test('setup: start rejects after teardown, and main is left out', async () => {
    const broken = new Error('no disk')
    const worker = new Probe({
      setup: () => {
        throw broken
      },
    })
    const events = recordEvents(worker)
    await expect(worker.start()).rejects.toBe(broken)
    expect([worker.state, worker.error]).toEqual(['failed', broken])
    expect(worker.notes).toEqual(['setup false', 'error false', 'teardown false', 'shutdown false'])
    expect(events.of('shutdown')).toMatchObject([{ worker: worker.name, error: broken }])
  })

  test('main: error, teardown, then shutdown with the error', async () => {
    const broken = new Error('broke')
    const worker = new Probe({ main: () => Promise.reject(broken) })
    const events = recordEvents(worker)
    await worker.start()
    await worker.join()
    expect([worker.state, worker.error]).toEqual(['failed', broken])
    expect(events.names()).toEqual(['startup', 'error', 'shutdown'])
    expect(events.of('error')).toMatchObject([{ error: broken }])
    expect(events.of('shutdown')).toMatchObject([{ error: broken }])
  })

  test('teardown: shutdown comes all the same, with its error', async () => {
    const broken = new Error('cannot close')
    const worker = new Probe({ teardown: () => Promise.reject(broken) })
    const events = recordEvents(worker)
    await worker.start()
    await worker.stop()
    expect([worker.state, worker.error]).toEqual(['failed', broken])
    expect(events.of('shutdown')).toMatchObject([{ error: broken }])
  })

  test('main and teardown: the first is the error, the second is emitted too', async () => {
    const worker = new Probe({
      main: () => Promise.reject(new Error('first')),
      teardown: () => Promise.reject(new Error('second')),
    })
    const events = recordEvents(worker)
    await worker.start()
    await worker.join()
    expect(worker.error?.message).toBe('first')
    expect(events.of('error').map(({ error }) => error.message)).toEqual(['first', 'second'])
  })

  test('a value that is no Error becomes one', async () => {
    const worker = new Probe({ main: () => Promise.reject(undefined) })
    await worker.start()
    await worker.join()
    expect(worker.error?.message).toContain('undefined')
  })

  test('lifecycle: is logged and changes nothing', async () => {
    const logger = captureLogger()
    const worker = new Probe({ logger, lifecycle: () => Promise.reject(new Error('in lifecycle')) })
    await worker.start()
    await worker.stop()
    expect([worker.state, worker.error]).toEqual(['stopped', undefined])
    expect(logger.messages('error')).toEqual(['lifecycle() failed', 'lifecycle() failed'])
  })

  test('a listener of its events: is logged and changes nothing', async () => {
    const logger = captureLogger()
    const worker = new Probe({ logger })
    worker.events.on('startup', () => {
      throw new Error('in a listener')
    })
    await worker.start()
    await worker.stop()
    expect(logger.messages('error')).toEqual(['a listener of "startup" failed'])
  })

  test('an error of the last life is forgotten by the next', async () => {
    let isBroken = true
    const worker = new Probe({
      setup: () => {
        if (isBroken) throw new Error('not yet')
      },
    })
    await expect(worker.start()).rejects.toThrow('not yet')
    isBroken = false
    await worker.start()
    expect(worker.error).toBeUndefined()
    await worker.stop()
    expect(worker.state).toBe('stopped')
  })
})

describe('stopping a worker', () => {
  test('before start does nothing, and twice stops once', async () => {
    const worker = new Probe()
    await worker.stop()
    expect(worker.state).toBe('new')
    await worker.start()
    await Promise.all([worker.stop(), worker.stop()])
    await worker.stop()
    expect(worker.notes).toEqual(oneLife)
  })

  test('during setup waits for setup and leaves main out', async () => {
    const gate = Promise.withResolvers<void>()
    const worker = new Probe({ setup: () => gate.promise })
    const started = worker.start()
    const stopped = worker.stop()
    expect(worker.signal.aborted).toBe(true)
    gate.resolve()
    await Promise.all([started, stopped])
    expect(worker.state).toBe('stopped')
    expect(worker.notes).toEqual(['setup false', 'teardown false', 'shutdown false'])
  })

  test('in the startup event leaves main out', async () => {
    const worker = new Probe({ lifecycle: ({ type }) => void (type === 'startup' && worker.stop()) })
    await worker.start()
    await worker.join()
    expect(worker.notes).not.toContain('main false')
    expect(worker.state).toBe('stopped')
  })

  test('interrupts what waits on its signal, and that is no failure', async () => {
    const worker = new Probe({ main: (self) => wait(3_600_000, undefined, { signal: self.signal }) })
    await worker.start()
    await worker.stop()
    expect([worker.state, worker.error]).toEqual(['stopped', undefined])
  })

  test('a real failure while stopping is one', async () => {
    const worker = new Probe({
      main: async (self) => {
        await self.nap('1h')
        throw new Error('could not save')
      },
    })
    await worker.start()
    await worker.stop()
    expect([worker.state, worker.error?.message]).toEqual(['failed', 'could not save'])
  })

  test('an AbortError of teardown is a failure: the signal had aborted long before', async () => {
    const worker = new Probe({ teardown: (self) => self.signal.throwIfAborted() })
    await worker.start()
    await worker.stop()
    expect(worker.state).toBe('failed')
  })
})

describe('killing a worker', () => {
  test('calls onKill at once, emits killed and does not wait for main', async () => {
    const gate = Promise.withResolvers<void>()
    const worker = new Probe({ main: () => gate.promise })
    const events = recordEvents(worker)
    await worker.start()
    const killed = worker.kill(cause)
    expect(worker.notes).toContain('onKill deadline')
    expect(worker.signal.reason).toBe(cause.error)
    await killed
    expect([worker.state, worker.isRunning]).toEqual(['stopping', false])
    expect(events.of('killed')).toMatchObject([{ worker: worker.name, cause }])
    expect(await worker.join(5)).toBe(false)
    gate.resolve()
    await worker.join()
    expect([worker.state, worker.error]).toEqual(['failed', cause.error])
  })

  test('is done once, and not at all when it is not alive', async () => {
    const worker = new Probe({ main: (self) => wait(3_600_000, undefined, { signal: self.signal }) })
    await worker.kill(cause)
    await worker.start()
    await Promise.all([worker.kill(cause), worker.kill({ ...cause, kind: 'signal' })])
    await worker.join()
    await worker.kill(cause)
    expect(worker.notes.filter((note) => note.startsWith('onKill'))).toEqual(['onKill deadline'])
  })

  test('survives an onKill that throws', async () => {
    const worker = new Probe({ onKill: () => Promise.reject(new Error('cannot save')) })
    await worker.start()
    await worker.kill(cause)
    await worker.join()
    expect(worker.error).toBe(cause.error)
  })
})

describe('a worker that is asked to be quiet', () => {
  class Quiet extends Probe {
    override onQuiet(isQuiet: boolean): void {
      this.notes.push(`quiet ${isQuiet}`)
      if (isQuiet) throw new Error('cannot be quiet')
    }
  }

  test('hears it once, also during setup, until it is resumed or started again', async () => {
    const worker = new Quiet()
    const events = recordEvents(worker)
    const started = worker.start()
    worker.quiet()
    worker.quiet()
    await started
    expect([worker.isQuiet, worker.isRunning]).toEqual([true, true])
    worker.resume()
    worker.resume()
    expect(worker.isQuiet).toBe(false)
    worker.quiet()
    await worker.stop()
    await worker.start()
    expect(worker.isQuiet).toBe(false)
    expect(worker.notes.filter((note) => note.startsWith('quiet'))).toEqual([
      'quiet true',
      'quiet false',
      'quiet true',
    ])
    // What onQuiet throws costs nothing else.
    expect(events.of('error').map(({ error }) => error.message)).toEqual([
      'cannot be quiet',
      'cannot be quiet',
    ])
    await worker.stop()
    expect(worker.state).toBe('stopped')
  })
})

describe('messages to and from a worker', () => {
  class Talker extends Probe {
    override receive(message: unknown): void {
      if (message === 'bad') throw new Error('cannot take it')
      this.message({ back: message })
    }
  }

  test('reach it while it runs, and what it fails with is an error that it survives', async () => {
    const worker = new Talker()
    const events = recordEvents(worker)
    expect(() => worker.send('early')).toThrow(StateError)
    await worker.start()
    worker.send('a')
    worker.send('bad')
    await until(() => events.of('error').length === 1)
    expect(events.of('message')).toEqual([{ worker: worker.name, message: { back: 'a' } }])
    expect(worker.isRunning).toBe(true)
    await worker.stop()
    expect(() => worker.send('late')).toThrow('to be running to send it a message; it is stopped')
  })
})

test('a worker that is started again tells why, after startup, and its status keeps it', async () => {
  const worker = new Probe()
  const events = recordEvents(worker)
  const cause = new Error('it broke')
  await worker.start({ cause, restarts: 2 })
  expect(worker.status()).toMatchObject({ restarts: 2, lastCause: cause })
  expect(events.names()).toEqual(['startup', 'restart'])
  expect(events.of('restart')).toMatchObject([{ worker: worker.name, cause, restarts: 2 }])
  await worker.stop()
  await worker.start()
  expect(worker.status()).toMatchObject({ restarts: 2, lastCause: cause })
  expect(events.of('restart')).toHaveLength(1)
  await worker.stop()
})

describe('sleeping and joining', () => {
  test('a sleep tells whether it was cut short, and leaves no timer behind', async () => {
    const worker = new Probe()
    await worker.start()
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    expect(await worker.nap(1)).toBe(true)
    // Counted without a pause between: the tests have timers, too, that end when they like.
    const before = timers()
    const long = worker.nap('300d')
    expect(timers()).toBe(before + 1)
    const stopped = worker.stop()
    // That one, and that of its main.
    expect(timers()).toBe(before - 1)
    expect(await long).toBe(false)
    await stopped
    expect(await worker.nap('1h')).toBe(false)
  })

  test('a loop that forgets to await its sleep fails loudly instead of hanging', async () => {
    const worker = new Probe({
      main: (self) => {
        while (self.isRunning) void self.nap(5)
      },
    })
    await worker.start()
    await worker.join()
    expect(worker.error?.message).toContain('await this.sleep')
  })

  test('join tells whether it ended in time, and waits for nobody who was not started', async () => {
    const worker = new Probe()
    expect(await worker.join('1ms')).toBe(true)
    await worker.start()
    expect(await worker.join('1ms')).toBe(false)
    const joined = worker.join('5s')
    await worker.stop()
    expect(await joined).toBe(true)
    await expect(worker.join(Number.NaN)).rejects.toThrow(InvalidOptionError)
  })
})

describe('what a worker is made of', () => {
  test('a name by its class and a number, an id of its own, frozen options', () => {
    const [one, two] = [new Probe(), new Probe({ name: 'given' })]
    expect(one.name).toMatch(/^Probe-\d+$/)
    expect(two.name).toBe('given')
    expect(one.id).not.toBe(two.id)
    expect(Object.isFrozen(one.options)).toBe(true)
  })

  test.each([[{ name: '' }], [{ name: 5 }], [{ logger: {} }], [[]], ['x'], [null]])(
    'refuses %j',
    (options) => {
      class Plain extends Worker {
        override main(): void {}
      }
      expect(() => new Plain(options as never)).toThrow(InvalidOptionError)
    },
  )

  test('a logger that names it in every line', async () => {
    const logger = captureLogger()
    const worker = new Probe({ name: 'loud', logger, main: () => Promise.reject(new Error('broke')) })
    await worker.start()
    await until(() => logger.lines.length > 0)
    expect(logger.lines[0]).toMatchObject({ message: 'main failed', fields: { worker: 'loud' } })
  })

  test('a status', async () => {
    const worker = new Probe({ name: 'seen' })
    expect(worker.status()).toEqual({
      name: 'seen',
      id: worker.id,
      state: 'new',
      isRunning: false,
      queueSize: 0,
      processedCount: 0,
      errorCount: 0,
      startedAt: undefined,
      placement: 'inline',
      pid: process.pid,
      threadId: undefined,
      restarts: 0,
      lastCause: undefined,
      usage: undefined,
    })
    const before = Date.now()
    await worker.start()
    expect(worker.status()).toMatchObject({ state: 'running', isRunning: true })
    expect(worker.status().startedAt).toBeGreaterThanOrEqual(before)
    await worker.stop()
  })
})
