import { describe, expect, it } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import { Queue } from '../../../src/queue/queue.ts'
import { RetryPolicy } from '../../../src/core/retry.ts'

const make = (options: object): Queue => new Queue('mail', { backend: memory(), ...options })

describe('a queue', () => {
  it.each(['mail', 'm', 'größe', 'a.b_c:d-e', '9lives', 'x'.repeat(100)])('can be named %s', (name) => {
    expect(new Queue(name, { backend: memory() }).name).toBe(name)
  })

  it.each([
    '',
    ' mail',
    'a b',
    'a/b',
    '../x',
    '-a',
    '.a',
    'a\n',
    'x\u0000',
    'x'.repeat(101),
    7,
    undefined,
    null,
  ])('cannot be named %j', (name) => {
    expect(() => new Queue(name as string, { backend: memory() })).toThrow('expected name to be a queue name')
  })

  it.each([
    [{ backend: undefined }, 'backend'],
    [{ backend: 'sqlite:jobs.db' }, "a backend such as sqlite('jobs.db')"],
    [{ bakcend: 1 }, 'did you mean "backend"?'],
    [{ maxLength: 0 }, 'maxLength to be an integer of at least 1'],
    [{ maxLength: Number.NaN }, 'maxLength'],
    [{ maxPayloadBytes: -1 }, 'maxPayloadBytes'],
    [{ whenFull: 'waits' }, "did you mean 'wait'?"],
    [{ dedupeWindow: 'long' }, 'dedupeWindow'],
    [{ maxCrashes: 0 }, 'maxCrashes'],
    [{ unknownGrace: -5 }, 'unknownGrace'],
    [{ retention: { done: 'x' } }, 'done'],
    [{ retention: { deed: 1 } }, 'unknown retention option "deed"; did you mean "dead"?'],
    [{ retry: { maxRetrys: 1 } }, 'did you mean "maxRetries"?'],
    [{ codec: { name: 'x' } }, 'codec'],
    [{ logger: console.log }, 'logger'],
    [{ jobs: [] as unknown[], x: 1 }, 'x'],
  ])('cannot be made with %j', (options, names) => {
    expect(() => make(options)).toThrow(InvalidOptionError)
    expect(() => make(options)).toThrow(names)
  })

  it('has defaults, in ms once it is made', () => {
    expect(make({}).settings).toMatchObject({
      maxLength: 10_000_000,
      maxPayloadBytes: 1_048_576,
      whenFull: 'reject',
      retention: { done: 0, cancelled: 0, dead: null },
      dedupeWindow: 86_400_000,
      maxCrashes: 3,
      unknownGrace: 3_600_000,
    })
    expect(make({}).settings.retry.maxRetries).toBe(3)
  })

  it('takes a retry policy or its options, and retention for ever', () => {
    const retry = new RetryPolicy({ maxRetries: 9 })
    expect(make({ retry }).settings.retry).toBe(retry)
    expect(make({ retention: { done: 'forever', dead: '2d' } }).settings.retention).toEqual({
      done: null,
      cancelled: 0,
      dead: 172_800_000,
    })
  })
})
