import { describe, expect, it } from 'vitest'
import { memory } from '../../../../src/backends/memory/index.ts'
import { InvalidPayloadError, NonRetryableError } from '../../../../src/core/errors.ts'
import { errorRecord, failed, unreadable } from '../../../../src/queue/consume/outcome.ts'
import type { ClaimedJob } from '../../../../src/queue/job.ts'
import { checkQueueOptions, type QueueSettings } from '../../../../src/queue/queue-options.ts'

const settings = (options: object = {}): QueueSettings => checkQueueOptions({ backend: memory(), ...options })
const job = (fields: Partial<ClaimedJob> = {}): ClaimedJob =>
  ({ id: 'j', attempt: 0, maxRetries: null, heldSince: null, ...fields }) as ClaimedJob

describe('a failed attempt', () => {
  it('is tried again after the delay of the policy, until its retries are used up', () => {
    const given = settings({ retry: { maxRetries: 2, baseDelay: '10s' } })
    const outcomes = [0, 1, 2].map((attempt) => failed(new Error('x'), job({ attempt }), given))
    expect(outcomes).toMatchObject([
      { kind: 'retry', again: { delayMs: 10_000 } },
      { kind: 'retry', again: { delayMs: 20_000 } },
      { kind: 'dead', keepMs: null },
    ])
  })

  it('has the limit of the job itself, if it has one', () => {
    expect(failed(new Error('x'), job({ maxRetries: 0 }), settings()).kind).toBe('dead')
    expect(failed(new Error('x'), job({ maxRetries: 9, attempt: 8 }), settings()).kind).toBe('retry')
  })

  it('is dead at once when another one cannot help, and kept as the queue says', () => {
    const outcome = failed(new NonRetryableError('x'), job(), settings({ retention: { dead: '2s' } }))
    expect(outcome).toMatchObject({ kind: 'dead', keepMs: 2000, error: { code: 'NON_RETRYABLE' } })
  })
})

describe('a job that cannot be read', () => {
  const now = 1_000_000_000
  const error = new InvalidPayloadError('no such field')
  const held = (heldMs: number | null, unknownGrace = '1h'): unknown =>
    unreadable(
      error,
      job({ heldSince: heldMs === null ? null : now - heldMs }),
      settings({ unknownGrace }),
      now,
    )

  it('is held, for longer the longer it is held, but never beyond the grace', () => {
    const wait = (delayMs: number): object => ({ kind: 'hold', again: { delayMs } })
    expect(held(null)).toMatchObject(wait(5_000))
    expect(held(20_000)).toMatchObject(wait(20_000))
    expect(held(1_000_000)).toMatchObject(wait(60_000))
    expect(held(3_599_000)).toMatchObject(wait(1_000))
    expect(held(null, '3s')).toMatchObject(wait(3_000))
  })

  it('is dead with the same reason when the grace is over', () => {
    expect(held(3_600_000)).toMatchObject({ kind: 'dead', error: { message: 'no such field' } })
    expect(held(null, '0s')).toMatchObject({ kind: 'dead' })
  })
})

describe('the record of an error', () => {
  it('keeps name, message, code, stack and causes', () => {
    const cause = new RangeError('too far')
    const record = errorRecord(Object.assign(new TypeError('bad', { cause }), { code: 42 }))
    expect(record).toMatchObject({ name: 'TypeError', message: 'bad', code: '42' })
    expect(record.stack).toMatch(/TypeError: bad[^]*caused by: RangeError: too far/)
  })

  it('is bounded, cycles of causes included', () => {
    const error = new Error('m'.repeat(10_000))
    error.name = 'N'.repeat(1000)
    error.cause = error
    error.stack = 's'.repeat(10_000)
    const { name, message, stack } = errorRecord(error)
    expect([name.length, message.length, stack?.length]).toEqual([200, 4096, 4096])
  })

  const hostile = {
    get message(): string {
      throw new Error('no')
    },
  }
  const throwing = new Error('seen')
  Object.defineProperty(throwing, 'code', {
    get: () => {
      throw new Error('no')
    },
  })
  const nameless = Object.assign(new Error('x'), { name: Symbol('s'), stack: 7 })
  it.each([
    ['undefined', undefined, /undefined/],
    ['null', null, /null/],
    ['a text', 'oops', /oops/],
    ['a frozen object', Object.freeze({ message: 'cold' }), /cold/],
    ['a frozen error', Object.freeze(new Error('ice')), /ice/],
    ['an object whose getter throws', hostile, /./],
    ['an error whose code throws', throwing, /seen/],
    ['an error whose name is a symbol', nameless, /x/],
    ['an object without a prototype', Object.create(null), /./],
    ['a revoked proxy', revoked(), /./],
  ])('works for %s', (_, thrown, message) => {
    const record = errorRecord(thrown)
    expect(record.message).toMatch(message)
    expect(typeof record.name).toBe('string')
    expect(() => JSON.stringify(record)).not.toThrow()
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
