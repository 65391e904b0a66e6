import { describe, expect, test, vi } from 'vitest'
import { InvalidOptionError, ShutdownError, StateError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import { Server } from '../../../src/server/server.ts'
import { captureLogger } from '../../../src/testing/index.ts'
import type { WorkerOptions } from '../../../src/worker/worker-options.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { until } from '../../fixtures/until.ts'

interface Plan {
  readonly notes?: string[]
  readonly setup?: (self: Probe) => void | Promise<void>
  /** What it does once it is asked to stop. */
  readonly drain?: () => void | Promise<void>
}

/** Notes its start and its end in a list shared by all. */
class Probe extends Worker<Plan> {
  override async setup(): Promise<void> {
    this.options.notes?.push(`setup ${this.name}`)
    await this.options.setup?.(this)
  }

  override async main(): Promise<void> {
    while (this.isRunning) await this.sleep('1h')
    this.options.notes?.push(`asked ${this.name}`)
    await this.options.drain?.()
  }

  override teardown(): void {
    this.options.notes?.push(`end ${this.name}`)
  }

  nap(): Promise<boolean> {
    return this.sleep('1h')
  }
}

const probe = (name: string, plan: Plan & WorkerOptions = {}) =>
  new Probe({ name, logger: silentLogger, ...plan })
/** What fails is not started again here; supervisor.test.ts is about that. */
const server = (options: ServerOptions = {}) => new Server({ logger: silentLogger, intensity: 0, ...options })
const never = () => new Promise<void>(() => {})

describe('adding workers', () => {
  test('takes instances and classes, by both names, in a chain', () => {
    const minder = server()
      .add(probe('one'))
      .add(Probe, { name: 'two' })
      .addWorker(probe('three'), { stopTimeout: '5s' })
      .addWorker(Probe, { name: 'four' }, { stopTimeout: '5s' })
      .add(Probe)
    expect(minder.workers.map(({ name }) => name)).toEqual([
      'one',
      'two',
      'three',
      'four',
      expect.stringMatching(/^Probe-/),
    ])
    expect(minder.get('two').state).toBe('new')
  })

  test('refuses the same worker twice, a name twice, what is no worker, and unknown options', () => {
    const worker = probe('one')
    const minder = server().add(worker)
    expect(() => minder.add(worker)).toThrow('expected worker to be added once, got one again')
    expect(() => minder.add(probe('one'))).toThrow('got a second "one"')
    expect(() => minder.add({} as never)).toThrow('expected worker to be a Worker')
    expect(() => minder.add(probe('two'), { stopTimeot: 5 } as never)).toThrow('did you mean "stopTimeout"')
    expect(() => minder.add(probe('three'), { stopTimeout: -1 })).toThrow(InvalidOptionError)
    expect(minder.workers).toHaveLength(1)
  })

  test('knows the options of a class at compile time', () => {
    const minder = server()
    class Rooted extends Worker<{ root: string }> {
      constructor(options: { root: string; name?: string }) {
        super({ ...options })
      }
      override main(): void {}
    }
    minder.add(Rooted, { root: '/srv' }, { stopTimeout: '1s' })
    // @ts-expect-error: its constructor asks for a root
    minder.add(Rooted)
    // @ts-expect-error: the root is a text
    minder.add(Rooted, { root: 5 })
    // @ts-expect-error: a misspelling
    minder.add(Rooted, { root: '/srv', nmae: 'x' })
    expect(minder.workers).toHaveLength(4)
  })

  test('names what is not there, with the nearest name', () => {
    expect(() => server().add(probe('mailer')).get('mailr')).toThrow('did you mean "mailer"')
  })

  test('starts at once what is added to a running server; a failure there leaves the others alone', async () => {
    const minder = server().add(probe('one'))
    await minder.start()
    const late = probe('late')
    const broken = probe('broken', {
      setup: () => {
        throw new Error('no disk')
      },
    })
    minder.add(late).add(broken)
    await until(() => late.isRunning && broken.state === 'failed')
    expect(minder.isReady).toBe(true)
    await minder.stop()
    expect(late.state).toBe('stopped')
  })

  test('starts what is added while the others start, and refuses it while they stop', async () => {
    const minder = server()
    const late = probe('late')
    minder.add(probe('one', { setup: () => void minder.add(late) }))
    await minder.start()
    expect(late.isRunning).toBe(true)
    const stopped = minder.stop()
    expect(() => minder.add(probe('too late'))).toThrow(StateError)
    await stopped
  })

  test('hands its logger to the workers that it makes', async () => {
    const logger = captureLogger()
    class Broken extends Worker {
      override main(): void {
        throw new Error('broke')
      }
    }
    const minder = new Server({ logger }).add(Broken, { name: 'made' }, { restart: 'temporary' })
    await minder.start()
    await minder.joinAll()
    expect(logger.lines).toMatchObject([{ message: 'main failed', fields: { worker: 'made' } }])
  })
})

describe('starting and stopping', () => {
  test('starts in order, stops in reverse, and can be started again', async () => {
    const notes: string[] = []
    const minder = server().add(probe('a', { notes })).add(probe('b', { notes }))
    const life = ['setup a', 'setup b', 'asked b', 'end b', 'asked a', 'end a']
    await minder.stop()
    await Promise.all([minder.start(), minder.start()])
    await Promise.all([minder.stop(), minder.stop()])
    expect(notes).toEqual(life)
    await minder.start()
    expect(minder.isReady).toBe(true)
    await minder.stop()
    expect(notes).toEqual([...life, ...life])
  })

  test('a start that fails stops those before it in reverse, and rejects with the error', async () => {
    const notes: string[] = []
    const broken = new Error('no disk')
    const minder = server()
      .add(probe('a', { notes }))
      .add(probe('b', { notes }))
      .add(probe('c', { notes, setup: () => Promise.reject(broken) }))
      .add(probe('d', { notes }))
    await expect(minder.start()).rejects.toBe(broken)
    expect(notes.filter((note) => note.startsWith('end'))).toEqual(['end c', 'end b', 'end a'])
    expect(notes).not.toContain('setup d')
    expect([minder.isReady, minder.isLive]).toEqual([false, true])
  })

  test('a stop interrupts a start that hangs', async () => {
    const notes: string[] = []
    const minder = server()
      .add(probe('a', { notes }))
      .add(probe('b', { notes, setup: async (self) => void (await self.nap()) }))
    const started = minder.start()
    await until(() => notes.includes('setup b'))
    await Promise.all([expect(started).rejects.toThrow(ShutdownError), minder.stop()])
    expect(notes).toEqual(['setup a', 'setup b', 'end b', 'asked a', 'end a'])
  })

  test('a stop also interrupts a start that waits for the stop before it', async () => {
    const notes: string[] = []
    const minder = server().add(probe('a', { notes }))
    await minder.start()
    const stopped = minder.stop()
    const again = minder.start()
    await Promise.all([stopped, expect(again).rejects.toThrow(ShutdownError), minder.stop()])
    expect(notes).toEqual(['setup a', 'asked a', 'end a'])
    await minder.start()
    expect(minder.isReady).toBe(true)
    await minder.stop()
  })

  test('a setup that never settles cannot hold a stop beyond the deadline', async () => {
    const minder = server({ shutdownTimeout: 20 }).add(probe('stuck', { setup: never }))
    const started = minder.start()
    await until(() => minder.get('stuck').state === 'starting')
    await Promise.all([expect(started).rejects.toThrow(ShutdownError), minder.stop()])
    expect(minder.isLive).toBe(false)
  })

  test('a slow worker holds the next one up for its share only, and takes nothing from it', async () => {
    const notes: string[] = []
    const gate = Promise.withResolvers<void>()
    const minder = server({ shutdownTimeout: 200 })
      .add(probe('quick', { notes, drain: () => gate.resolve() }))
      .add(probe('slow', { notes, drain: () => gate.promise }))
    await minder.start()
    await minder.stop()
    // slow waits for quick, which is asked although slow has not ended.
    expect(notes.slice(2, 4)).toEqual(['asked slow', 'asked quick'])
    expect(minder.status()).toMatchObject({
      isLive: true,
      workers: [{ state: 'stopped' }, { state: 'stopped' }],
    })
  })

  test('a worker that misses its own deadline is killed, by name and with advice; the others are not', async () => {
    const logger = captureLogger()
    const minder = server({ logger })
      .add(probe('good'))
      .add(probe('stuck', { drain: never }), { stopTimeout: '20ms' })
    const causes: string[] = []
    minder.get('stuck').events.on('killed', ({ cause }) => void causes.push(cause.kind))
    await minder.start()
    await minder.stop()
    expect(minder.get('good').state).toBe('stopped')
    expect(causes).toEqual(['deadline'])
    expect([minder.isLive, minder.isReady]).toEqual([false, false])
    expect(String(logger.lines.at(-1)?.fields['err'])).toMatch(
      /worker stuck did not stop within 20ms.*Look at this\.isRunning/,
    )
    await expect(minder.start()).rejects.toThrow('expected worker stuck to have ended')
  })

  test('a kill cuts a stop short', async () => {
    const minder = server()
      .add(probe('a'))
      .add(probe('stuck', { drain: never }))
    await minder.start()
    const stopped = minder.stop()
    await minder.kill({ kind: 'signal', error: new Error('again') })
    await stopped
    expect(minder.get('stuck').state).toBe('stopping')
    expect(minder.get('a').error?.message).toBe('again')
    expect(minder.isLive).toBe(false)
  })

  test('is not ready from the moment a stop is asked, and live while it drains', async () => {
    const gate = Promise.withResolvers<void>()
    const minder = server().add(probe('a', { drain: () => gate.promise }))
    expect([minder.isReady, minder.isLive]).toEqual([false, true])
    const started = minder.start()
    expect(minder.isReady).toBe(false)
    await started
    expect([minder.isReady, minder.isLive]).toEqual([true, true])
    const stopped = minder.stop()
    expect([minder.isReady, minder.isLive]).toEqual([false, true])
    gate.resolve()
    await stopped
    expect([minder.isReady, minder.isLive]).toEqual([false, true])
  })
})

describe('joining and looking', () => {
  test('gives every worker the whole of the time, and says whether all have ended', async () => {
    const minder = server().add(probe('a')).add(probe('b'))
    expect(await minder.joinAll({ timeout: 1 })).toBe(true)
    await minder.start()
    const joins = minder.workers.map((handle) => vi.spyOn(handle, 'join'))
    const inTime = minder.joinAll({ timeout: 5 })
    // At once, not one after the other.
    for (const join of joins) expect(join.mock.calls).toEqual([[5]])
    expect(await inTime).toBe(false)
    const joined = minder.joinAll()
    await minder.stop()
    expect(await joined).toBe(true)
  })

  test('has a row a worker', async () => {
    class Counting extends Worker {
      override get queueSize(): number {
        return 3
      }
      override get processedCount(): number {
        return 2
      }
      override get errorCount(): number {
        return 1
      }
      override main(): void {}
    }
    const minder = server().add(Counting, { name: 'counting' })
    await minder.start()
    await minder.joinAll()
    expect(minder.status()).toMatchObject({
      isReady: true,
      isLive: true,
      workers: [{ name: 'counting', isRunning: false, queueSize: 3, processedCount: 2, errorCount: 1 }],
    })
    await minder.stop()
  })

  test.each([
    [{ shutdownTimeout: 'soon' }, 'expected shutdownTimeout to be a duration'],
    [{ shutdownTimout: 5 }, 'did you mean "shutdownTimeout"'],
    [{ logger: console }, 'expected logger to be a logger'],
    [{ exitOnUncaught: 'yes' }, 'expected exitOnUncaught to be true or false'],
  ])('refuses the options %j', (options, message) => {
    expect(() => new Server(options as never)).toThrow(message)
  })
})

describe('running for ever', () => {
  test('is not begun twice, and a server without workers says so and ends', async () => {
    const logger = captureLogger()
    const minder = server({ logger })
    const forever = minder.runForever()
    await expect(minder.runForever()).rejects.toThrow(StateError)
    expect(await forever).toBe(0)
    expect(logger.messages('warn')).toEqual(['the server has no workers, so it ends at once'])
    process.exitCode = undefined
  })

  test('gives 1 when the start fails', async () => {
    const minder = server().add(probe('broken', { setup: () => Promise.reject(new Error('no disk')) }))
    expect(await minder.runForever()).toBe(1)
    expect(process.exitCode).toBe(1)
    process.exitCode = undefined
  })

  test('a stop from elsewhere that comes during the start is a clean end', async () => {
    const begun = Promise.withResolvers<void>()
    const setup = async (self: Probe): Promise<void> => {
      begun.resolve()
      await self.nap()
    }
    const logger = captureLogger()
    const minder = server({ logger }).add(probe('a', { setup }))
    const forever = minder.runForever()
    await begun.promise
    await minder.stop()
    expect(await forever).toBe(0)
    expect(logger.lines).toEqual([])
    process.exitCode = undefined
  })

  test('a stop from elsewhere ends it', async () => {
    const minder = server().add(probe('a'))
    const forever = minder.runForever()
    await until(() => minder.isReady)
    await minder.stop()
    expect(await forever).toBe(0)
    process.exitCode = undefined
  })

  test('waits for workers that were added meanwhile', async () => {
    const first = probe('first')
    const second = probe('second')
    const minder = server().add(first)
    let isOver = false
    const forever = minder.runForever().finally(() => (isOver = true))
    await until(() => minder.isReady)
    minder.add(second)
    await until(() => second.isRunning)
    await first.stop()
    expect(isOver).toBe(false)
    await second.stop()
    expect(await forever).toBe(0)
    process.exitCode = undefined
  })
})
