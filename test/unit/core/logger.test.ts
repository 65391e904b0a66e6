import { pino } from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { NonRetryableError } from '../../../src/core/errors.ts'
import { createLogger, silentLogger, type Logger } from '../../../src/core/logger.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

function lines(options: Parameters<typeof createLogger>[0] = {}) {
  const written: string[] = []
  const logger = createLogger({ format: 'json', write: (line) => void written.push(line), ...options })
  return { logger, written, parsed: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('JSON lines', () => {
  test('are those of pino: level, time, pid, fields, msg', () => {
    const { logger, parsed } = lines()
    logger.child({ worker: 'w' }).child({ job: 1 }).warn({ ms: 5 }, 'slow')
    expect(parsed()).toMatchObject([{ level: 40, pid: process.pid, worker: 'w', job: 1, ms: 5, msg: 'slow' }])
    expect(parsed()[0]?.['time']).toBeTypeOf('number')
  })

  test('carry errors with type, code, stack and causes', () => {
    const { logger, parsed } = lines()
    logger.error({ err: new NonRetryableError('no', { cause: new TypeError('below') }) }, 'failed')
    expect(parsed()[0]?.['err']).toMatchObject({
      type: 'NonRetryableError',
      code: 'NON_RETRYABLE',
      message: 'no',
      stack: expect.stringContaining('logger.test'),
      cause: { type: 'TypeError', message: 'below' },
    })
  })

  test('survive cycles, bigints and getters that throw', () => {
    const { logger, written } = lines()
    const cycle: Record<string, unknown> = { big: 5n }
    cycle['self'] = cycle
    const error = new Error('its own cause')
    error.cause = error
    logger.info({ cycle, error }, 'odd')
    logger.info(
      {
        get bad(): string {
          throw new Error('getter')
        },
      },
      'worse',
    )
    logger.info(
      {
        nested: {
          get bad(): string {
            throw new Error('getter')
          },
        },
      },
      'worst',
    )
    expect(written).toHaveLength(3)
    for (const line of written) expect(() => JSON.parse(line) as unknown).not.toThrow()
    expect(JSON.parse(written[2]!)).toMatchObject({ level: 30, msg: 'worst' })
  })

  test('are one line each, whatever the fields contain', () => {
    const { logger, written } = lines()
    logger.info({ text: 'two\nlines' }, 'a\nb')
    expect(written[0]?.trimEnd()).not.toContain('\n')
  })
})

describe('pretty lines', () => {
  test('have the message first, short fields beside it, errors with their stack', () => {
    const { logger, written } = lines({ format: 'pretty' })
    logger.info({ n: 1, text: 'x' }, 'hello')
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} .*info.* hello.*n: 1 {2}text: x/)
    logger.error({ err: new Error('broke') }, 'failed')
    expect(written[1]).toContain('Error: broke\n')
    logger.info(
      {
        nested: {
          get bad(): string {
            throw new Error('getter')
          },
        },
      },
      'worst',
    )
    expect(written[2]).toContain('worst')
  })
})

describe('levels', () => {
  test('below the minimum nothing is written', () => {
    const { logger, parsed } = lines({ level: 'warn' })
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level)
    expect(parsed().map(({ msg }) => msg)).toEqual(['warn', 'error'])
  })

  test('come from LOG_LEVEL, and an unknown one is info', () => {
    vi.stubEnv('LOG_LEVEL', 'ERROR')
    const strict = lines()
    strict.logger.warn({}, 'hidden')
    vi.stubEnv('LOG_LEVEL', 'constructor')
    const usual = lines()
    usual.logger.info({}, 'shown')
    expect([strict.written.length, usual.written.length]).toEqual([0, 1])
  })

  test('the silent logger and its children write nothing', () => {
    const written = vi.spyOn(process.stderr, 'write')
    silentLogger.child({ a: 1 }).error({}, 'nothing')
    expect(written).not.toHaveBeenCalled()
    written.mockRestore()
  })
})

test('a pino logger fits the seam', () => {
  const written: string[] = []
  const logger: Logger = pino({ level: 'debug' }, { write: (line: string) => void written.push(line) })
  logger.child({ worker: 'w' }).error({ err: new Error('broke') }, 'failed')
  expect(JSON.parse(written[0]!)).toMatchObject({
    level: 50,
    worker: 'w',
    msg: 'failed',
    err: { message: 'broke' },
  })
})
