import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadWorkerConfig, type WorkerConfigInput } from '../../../src/core/worker-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'millhand-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function fileWith(content: unknown): string {
  const path = join(folder, `config-${++files}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function failure(load: () => unknown): Error & { code?: string; option?: string } {
  try {
    load()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

describe('the configuration of a worker', () => {
  test('has defaults, in ms, complete and frozen', () => {
    const config = loadWorkerConfig({ env: {} })
    expect(config).toEqual({
      maxConcurrentMessages: 1,
      retryDelay: 60_000,
      healthCheckInterval: 30_000,
      gracefulShutdownTimeout: 30_000,
      deadLetterQueue: true,
      metricsEnabled: true,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('takes code before the file, the file before the environment, and that before the defaults', () => {
    const env = {
      MILLHAND_MAX_CONCURRENT_MESSAGES: '2',
      MILLHAND_RETRY_DELAY: '2',
      MILLHAND_METRICS_ENABLED: 'no',
    }
    const file = fileWith({ maxConcurrentMessages: 3, retryDelay: 3 })
    const config = loadWorkerConfig({ env, file, overrides: { maxConcurrentMessages: 4 } })
    expect(config).toMatchObject({
      maxConcurrentMessages: 4,
      retryDelay: 3000,
      metricsEnabled: false,
      deadLetterQueue: true,
    })
  })

  test('an override that is undefined hides nothing', () => {
    const overrides = { retryDelay: undefined } as unknown as WorkerConfigInput
    expect(loadWorkerConfig({ env: { MILLHAND_RETRY_DELAY: '7' }, overrides }).retryDelay).toBe(7000)
  })

  test.each(['retryDelay', 'healthCheckInterval', 'gracefulShutdownTimeout'] as const)(
    'reads a plain number of %s as seconds in file and environment, as ms in code, and text alike everywhere',
    (key) => {
      const name = `MILLHAND_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
      expect(loadWorkerConfig({ env: { [name]: '90' } })[key]).toBe(90_000)
      expect(loadWorkerConfig({ env: { [name]: '1.5' } })[key]).toBe(1500)
      expect(loadWorkerConfig({ env: { [name]: '90s' } })[key]).toBe(90_000)
      expect(loadWorkerConfig({ env: {}, file: fileWith({ [key]: 90 }) })[key]).toBe(90_000)
      expect(loadWorkerConfig({ env: {}, file: fileWith({ [key]: '2m' }) })[key]).toBe(120_000)
      expect(loadWorkerConfig({ env: {}, overrides: { [key]: 900 } })[key]).toBe(900)
      expect(loadWorkerConfig({ env: {}, overrides: { [key]: '90s' } })[key]).toBe(90_000)
    },
  )

  test.each([
    ['true', true],
    ['YES', true],
    ['1', true],
    ['off', false],
    ['0', false],
    [' False ', false],
  ])('reads the switch %j', (text, expected) => {
    expect(loadWorkerConfig({ env: { MILLHAND_DEAD_LETTER_QUEUE: text } }).deadLetterQueue).toBe(expected)
  })

  test('takes an empty variable for one that is not set, and leaves those of other parts alone', () => {
    const env = { MILLHAND_RETRY_DELAY: '', MILLHAND_BACKEND: 'sqlite:jobs.db', PATH: '/bin' }
    expect(loadWorkerConfig({ env }).retryDelay).toBe(60_000)
  })

  test('reads process.env unless it is given another', () => {
    process.env['MILLHAND_MAX_CONCURRENT_MESSAGES'] = '17'
    try {
      expect(loadWorkerConfig().maxConcurrentMessages).toBe(17)
    } finally {
      delete process.env['MILLHAND_MAX_CONCURRENT_MESSAGES']
    }
  })
})

describe('a mistake in the configuration', () => {
  test.each([
    [{ MILLHAND_MAX_CONCURRENT_MESSAGES: 'many' }, 'MILLHAND_MAX_CONCURRENT_MESSAGES', '"many"'],
    [{ MILLHAND_MAX_CONCURRENT_MESSAGES: '0' }, 'MILLHAND_MAX_CONCURRENT_MESSAGES', '"0"'],
    [{ MILLHAND_MAX_CONCURRENT_MESSAGES: '1.5' }, 'MILLHAND_MAX_CONCURRENT_MESSAGES', '"1.5"'],
    [{ MILLHAND_RETRY_DELAY: '-3' }, 'MILLHAND_RETRY_DELAY', '"-3"'],
    [{ MILLHAND_RETRY_DELAY: '3 fortnights' }, 'MILLHAND_RETRY_DELAY', '"3 fortnights"'],
    [{ MILLHAND_METRICS_ENABLED: 'maybe' }, 'MILLHAND_METRICS_ENABLED', '"maybe"'],
  ])('in the environment is named with its variable and its value: %j', (env, name, value) => {
    const error = failure(() => loadWorkerConfig({ env: { ...env, MILLHAND_SECRET: 'hunter2' } }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: name })
    expect(error.message).toContain(`expected ${name} to be`)
    expect(error.message).toMatch(new RegExp(`got: ${value}$`))
    expect(error.message).not.toContain('hunter2')
  })

  test('in the file is named with its key, its path and its value as it was written', () => {
    const file = fileWith({ retryDelay: -5 })
    expect(failure(() => loadWorkerConfig({ env: {}, file })).message).toBe(
      `expected retryDelay in ${file} to be a duration of at most ten years (seconds, or text such as '250ms', '30s', '5m', '1h30m'), got: -5`,
    )
  })

  test('is reported although another source hides it', () => {
    const env = { MILLHAND_RETRY_DELAY: 'soon' }
    expect(() => loadWorkerConfig({ env, overrides: { retryDelay: 1 } })).toThrow('MILLHAND_RETRY_DELAY')
  })

  test('in code is named with its option', () => {
    const overrides = { maxConcurrentMessages: -1 }
    expect(() => loadWorkerConfig({ env: {}, overrides })).toThrow(
      'expected maxConcurrentMessages to be an integer of at least 1, got: -1',
    )
  })

  test.each([null, 'fast', [1]])('such as overrides that are %j is said to be one', (overrides) => {
    expect(() => loadWorkerConfig({ env: {}, overrides: overrides as WorkerConfigInput })).toThrow(
      'expected the options of WorkerConfig to be an object',
    )
  })

  test('such as an unknown name gets a guess, in every source', () => {
    const file = fileWith({ retryDelya: 3 })
    expect(() => loadWorkerConfig({ env: {}, file })).toThrow(
      `unknown key in ${file} "retryDelya"; did you mean "retryDelay"?`,
    )
    expect(() => loadWorkerConfig({ env: { MILLHAND_RETRY_DELY: '3' } })).toThrow(
      'unknown environment variable "MILLHAND_RETRY_DELY"; did you mean "MILLHAND_RETRY_DELAY"?',
    )
    const overrides = { retryDely: 3 } as WorkerConfigInput
    expect(() => loadWorkerConfig({ env: {}, overrides })).toThrow('did you mean "retryDelay"?')
  })

  test.each(['__proto__', 'constructor'])('such as the key %s is not swallowed', (key) => {
    expect(() => loadWorkerConfig({ env: {}, file: fileWith(`{"${key}": 1}`) })).toThrow(`"${key}"`)
  })

  test('such as a file that is not there says so, with its path', () => {
    const file = join(folder, 'nowhere.json')
    const error = failure(() => loadWorkerConfig({ env: {}, file }))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toBe(`cannot read the configuration file ${file}: there is no such file`)
  })

  test('such as a folder in place of the file', () => {
    expect(failure(() => loadWorkerConfig({ env: {}, file: folder })).message).toContain(folder)
  })

  test('such as broken JSON names the place and quotes nothing of the file', () => {
    const file = fileWith('{\n  "password": "hunter2" oops\n}')
    const error = failure(() => loadWorkerConfig({ env: {}, file }))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toBe(`expected ${file} to be JSON; it is not at line 2 column 25`)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2')
  })

  test.each([
    ['[1]', 'an array'],
    ['null', 'null'],
    ['3', 'a number'],
  ])('such as a file that holds %s', (content, kind) => {
    expect(() => loadWorkerConfig({ env: {}, file: fileWith(content) })).toThrow(
      `to hold a JSON object, got: ${kind}`,
    )
  })

  test('does not include a byte order mark', () => {
    const file = fileWith('\uFEFF{"retryDelay": "5s"}')
    expect(loadWorkerConfig({ env: {}, file }).retryDelay).toBe(5000)
  })
})
