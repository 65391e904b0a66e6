import { FakeClock, captureLogger, recordEvents, until } from 'millhand/testing'
import { describe, expect, test } from 'vitest'
import { StubWorker, attempt } from '../observe/stub-worker.ts'

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

describe('until', () => {
  test('resolves to the first truthy value of the condition', async () => {
    let looks = 0
    expect(await until(() => (++looks === 3 ? 'third' : null))).toBe('third')
    expect(looks).toBe(3)
  })

  test('waits for conditions that are async, and looks again after one that throws', async () => {
    let looks = 0
    const value = await until(async () => {
      if (++looks < 3) throw new Error('not yet')
      return { looks }
    })
    expect(value).toEqual({ looks: 3 })
  })

  test('never looks twice at once', async () => {
    let inside = 0
    let most = 0
    let looks = 0
    await until(
      async () => {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setTimeout(resolve, 3))
        inside--
        return ++looks === 3
      },
      { every: 0 },
    )
    expect(most).toBe(1)
  })

  test('says what did not come, within which time, and what it saw last', async () => {
    const error = await failure(until(() => 0, { timeout: 20, what: 'three mails to be sent' }))
    expect(error.name).toBe('AssertionError')
    expect(error.message).toMatch(
      /^expected three mails to be sent within 20ms; looked \d+ times, the last one gave 0$/,
    )
  })

  test('shows the condition when it was not told what is waited for', async () => {
    const sent: string[] = []
    const { message } = await failure(until(() => sent.length === 3, { timeout: 1 }))
    expect(message).toContain('expected () => sent.length === 3 to be truthy within 1ms')
  })

  test('keeps the last error of a condition that always throws', async () => {
    const cause = new Error('refused')
    const error = await failure(until(() => Promise.reject(cause), { timeout: 10, what: 'an answer' }))
    expect(error.cause).toBe(cause)
    expect(error.message).toContain('the last one threw Error: refused')
  })

  test('gives up on a condition that never settles', async () => {
    const error = await failure(until(() => new Promise(() => {}), { timeout: 10, what: 'an answer' }))
    expect(error.message).toBe('expected an answer within 10ms; looked 1 times, it has not settled')
  })

  test('refuses a timeout that is none', async () => {
    expect((await failure(until(() => true, { timeout: 'soon' }))).message).toContain('timeout')
  })
})

describe('recordEvents', () => {
  test('keeps events in their order, and gives them by name', () => {
    const worker = new StubWorker()
    const events = recordEvents(worker)
    worker.startup()
    worker.finish('done', 'retry')
    worker.attempts([attempt({ id: 'last' })])
    worker.shutdown()
    expect(events.names()).toEqual(['startup', 'attempts', 'attempts', 'shutdown'])
    expect(events.all[0]).toEqual({ event: 'startup', value: { worker: 'mail' } })
    expect(events.of('shutdown')).toEqual([{ worker: 'mail', error: undefined }])
    expect(events.outcomes()).toEqual(['done', 'retry', 'done'])
    expect(events.attempts().at(-1)?.id).toBe('last')
  })

  test('keeps what it has when it is stopped', () => {
    const worker = new StubWorker()
    const events = recordEvents(worker)
    worker.startup()
    events.stop()
    worker.shutdown()
    expect(events.names()).toEqual(['startup'])
  })
})

describe('captureLogger', () => {
  test('keeps lines of every level, with the fields of the child loggers they went through', () => {
    const logger = captureLogger()
    logger.child({ worker: 'mail' }).child({ queue: 'mails' }).warn({ job: 1 }, 'slow')
    logger.debug({}, 'done')
    expect(logger.lines).toEqual([
      { level: 'warn', message: 'slow', fields: { worker: 'mail', queue: 'mails', job: 1 } },
      { level: 'debug', message: 'done', fields: {} },
    ])
    expect(logger.messages()).toEqual(['slow', 'done'])
    expect(logger.messages('warn')).toEqual(['slow'])
    expect(logger.isLevelEnabled?.('debug')).toBe(true)
  })
})

describe('FakeClock', () => {
  test('moves only when it is told to', () => {
    const clock = new FakeClock(1000, 50)
    clock.advance(5)
    clock.jump(-100)
    expect([clock.wall(), clock.monotonic()]).toEqual([905, 55])
  })
})
