import pino from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { createLogger } from '../../../src/core/logger.ts'
import type { WorkerEvents } from '../../../src/core/telemetry.ts'
import { logEvents } from '../../../src/observe/log-events.ts'
import { captureLogger } from '../../../src/testing/index.ts'
import { StubWorker, attempt } from './stub-worker.ts'

const error = new Error('no')
const base = { worker: 'mail', queue: 'mails' }

function logged<K extends keyof WorkerEvents>(event: K, value: WorkerEvents[K]): unknown[] {
  const worker = new StubWorker()
  const logger = captureLogger()
  logEvents(worker, logger)
  worker.events.emit(event, value)
  return logger.lines.map(({ level, message, fields }) => {
    const { worker, workerId, ...rest } = fields
    expect([worker, workerId]).toEqual(['mail', 'mail-id'])
    return [level, message, rest]
  })
}

describe('the log of a worker tells of', () => {
  test('its start and its end at info', () => {
    expect(logged('startup', { worker: 'mail' })).toEqual([['info', 'worker started', {}]])
    expect(logged('shutdown', { worker: 'mail', error: undefined })).toEqual([['info', 'worker stopped', {}]])
  })

  test('a bad end, an error and a kill as errors, with the cause', () => {
    expect(logged('shutdown', { worker: 'mail', error })).toEqual([
      ['error', 'worker stopped with an error', { err: error }],
    ])
    expect(logged('error', { worker: 'mail', error })).toEqual([['error', 'worker error', { err: error }]])
    expect(logged('killed', { worker: 'mail', cause: { kind: 'deadline', error } })).toEqual([
      ['error', 'worker killed', { cause: 'deadline', err: error }],
    ])
  })

  test('a restart and a stall as warnings, with the cause', () => {
    expect(logged('restart', { worker: 'mail', cause: error, restarts: 3 })).toEqual([
      ['warn', 'worker restarted', { restarts: 3, err: error }],
    ])
    expect(logged('stalled', { worker: 'mail', cause: 'blocked loop', forMs: 2500 })).toEqual([
      ['warn', 'worker has not answered for 2.5s', { cause: 'blocked loop', forMs: 2500 }],
    ])
  })

  test('dead and crashed jobs as errors, retries at info, with the job and its error', () => {
    const attempts = [
      attempt({ id: 'a', outcome: 'dead', error, attempt: 4, durationMs: 1.5, waitedMs: 9 }),
      attempt({ id: 'b', outcome: 'crash', error }),
      attempt({ id: 'c', outcome: 'retry', error }),
    ]
    const lines = logged('attempts', { ...base, attempts }) as [string, string, object][]
    expect(lines.map(([level, message]) => [level, message])).toEqual([
      ['error', 'job is dead'],
      ['error', 'job crashed its worker'],
      ['info', 'attempt failed; it will be tried again'],
    ])
    expect(lines[0]?.[2]).toEqual({
      queue: 'mails',
      job: 'a',
      type: 'welcome',
      outcome: 'dead',
      err: error,
      attempt: 4,
      durationMs: 1.5,
      waitedMs: 9,
    })
  })

  test('what ended well, or neither well nor badly, at debug', () => {
    const attempts = (['done', 'snooze', 'hold', 'cancelled', 'release'] as const).map((outcome) =>
      attempt({ outcome }),
    )
    const lines = logged('attempts', { ...base, attempts }) as [string, string, object][]
    expect(lines.map(([level]) => level)).toEqual(Array.from({ length: 5 }, () => 'debug'))
    expect(lines[0]?.[2]).not.toHaveProperty('err')
  })

  test('outcomes that came too late, naming twenty of the jobs at most', () => {
    const jobs = Array.from({ length: 300 }, (_, index) => `job-${index}`)
    const [[level, , fields]] = logged('stale', { ...base, jobs }) as [[string, string, { jobs: string[] }]]
    expect(level).toBe('warn')
    expect(fields).toMatchObject({ queue: 'mails', count: 300 })
    expect(fields.jobs).toHaveLength(20)
  })

  test('jobs of dead workers: returned at info, crashed as a warning, dead as an error', () => {
    const reaped = (returned: number, crashed: string[], dead: string[]): unknown[] =>
      logged('reaped', { ...base, returned, crashed, dead }).map((line) => (line as [string])[0])
    expect(reaped(3, [], [])).toEqual(['info'])
    expect(reaped(0, ['a'], [])).toEqual(['warn'])
    expect(reaped(0, ['a'], ['b'])).toEqual(['error'])
    expect(reaped(0, [], [])).toEqual([])
  })

  test('job types that nobody handles', () => {
    expect(logged('unhandled', { ...base, type: 'digest', forMs: 60_000 })).toEqual([
      [
        'warn',
        'nobody has handled jobs of type "digest" for 1m',
        { queue: 'mails', type: 'digest', forMs: 60_000 },
      ],
    ])
  })

  test('an outage of the store and its end, both where warnings are seen', () => {
    expect(logged('backend', { ...base, up: false, error })).toEqual([
      ['error', 'the store cannot be used', { queue: 'mails', err: error }],
    ])
    expect(logged('backend', { ...base, up: true, error: undefined })).toEqual([
      ['warn', 'the store can be used again', { queue: 'mails' }],
    ])
  })

  test('missed runs of a schedule as a warning, a tick in time at debug', () => {
    expect(logged('tick', { worker: 'mail', tick: 7, missed: 2 })).toEqual([
      ['warn', 'the schedule missed 2 runs', { tick: 7, missed: 2 }],
    ])
    expect(logged('tick', { worker: 'mail', tick: 8, missed: 0 })).toEqual([
      ['debug', 'schedule ticked', { tick: 8 }],
    ])
  })
})

describe('logging the events of a worker', () => {
  test('builds nothing for done jobs unless the logger wants debug', () => {
    const worker = new StubWorker()
    const logger = { ...captureLogger(), isLevelEnabled: (level: string) => level !== 'debug' }
    const debug = vi.spyOn(logger, 'debug')
    logEvents(worker, { ...logger, child: () => logger })
    const done = attempt()
    const read = vi.fn()
    worker.attempts([
      new Proxy(done, {
        get: (target, key) => {
          read(key)
          return Reflect.get(target, key)
        },
      }),
    ])
    expect(debug).not.toHaveBeenCalled()
    expect(read.mock.calls).toEqual([['outcome']])
  })

  test('leaves debug out for a logger that cannot say what it wants', () => {
    const worker = new StubWorker()
    const logger = captureLogger()
    delete logger.isLevelEnabled
    logEvents(worker, Object.assign(logger, { child: () => logger }))
    worker.finish('done', 'dead')
    expect(logger.messages()).toEqual(['job is dead'])
  })

  test.each(['debug', 'info'] as const)('asks our own logger at level %s', (level) => {
    const worker = new StubWorker()
    const lines: string[] = []
    const logger = createLogger({ level, format: 'json', write: (line) => lines.push(line) })
    expect(logger.isLevelEnabled?.('debug')).toBe(level === 'debug')
    expect(logger.child({}).isLevelEnabled?.('warn')).toBe(true)
    logEvents(worker, logger)
    worker.finish('done')
    expect(lines).toHaveLength(level === 'debug' ? 1 : 0)
  })

  test.each(['debug', 'info'] as const)('asks pino at level %s', (level) => {
    const worker = new StubWorker()
    const lines: string[] = []
    logEvents(worker, pino({ level }, { write: (line: string) => void lines.push(line) }))
    worker.finish('done', 'dead')
    expect(lines).toHaveLength(level === 'debug' ? 2 : 1)
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      worker: 'mail',
      outcome: 'dead',
      err: { message: 'no' },
    })
  })

  test('ends when it is told to', () => {
    const worker = new StubWorker()
    const logger = captureLogger()
    logEvents(worker, logger)()
    worker.startup()
    worker.finish('dead')
    worker.shutdown()
    expect(logger.lines).toEqual([])
  })
})
