import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError, InvalidPayloadError, NonRetryableError } from '../../../src/core/errors.ts'
import { RetryPolicy } from '../../../src/core/retry.ts'

const options = fc.record({
  baseDelay: fc.nat(100_000),
  maxDelay: fc.nat(10_000_000),
  backoffFactor: fc.double({ min: 1, max: 10, noNaN: true }),
})

describe('RetryPolicy', () => {
  it('waits min(60 s * 2 ** retries, one hour) and tries three times again by default', () => {
    const policy = new RetryPolicy()
    const delays = [0, 1, 2, 5, 6, 7, 1000].map((retries) => policy.delayMs(retries) / 1000)
    expect(delays).toEqual([60, 120, 240, 1920, 3600, 3600, 3600])
    expect([0, 1, 2, 3].map((retries) => policy.next(new Error('x'), retries) !== undefined)).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  it('never waits longer than the maximum, nor shorter the later it is', () => {
    fc.assert(
      fc.property(options, fc.nat(2000), (given, retries) => {
        const policy = new RetryPolicy(given)
        const delay = policy.delayMs(retries)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(given.maxDelay)
        expect(policy.delayMs(retries + 1)).toBeGreaterThanOrEqual(delay)
      }),
    )
  })

  it('spreads by jitter: full over the whole delay, equal over its second half', () => {
    fc.assert(
      fc.property(
        options,
        fc.nat(30),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (given, retries, random) => {
          const exact = new RetryPolicy(given).delayMs(retries)
          const full = new RetryPolicy({ ...given, jitter: 'full' }).delayMs(retries, random)
          const equal = new RetryPolicy({ ...given, jitter: 'equal' }).delayMs(retries, random)
          expect(full).toBeCloseTo(exact * random, 3)
          expect(equal).toBeGreaterThanOrEqual(exact / 2)
          expect(equal).toBeLessThanOrEqual(exact)
        },
      ),
    )
  })

  it('lets a job have a limit of its own', () => {
    const policy = new RetryPolicy({ maxRetries: 3, baseDelay: 10 })
    expect(policy.next(new Error('x'), 0, 0)).toBeUndefined()
    expect(policy.next(new Error('x'), 7, 8)).toBe(1280)
  })

  it('never retries NonRetryableError and failed validation, but does retry a TypeError', () => {
    const policy = new RetryPolicy()
    expect(policy.next(new NonRetryableError('no'), 0)).toBeUndefined()
    expect(policy.next(new InvalidPayloadError('no'), 0)).toBeUndefined()
    expect(policy.next(new TypeError('fetch failed'), 0)).toBe(60_000)
  })

  it('asks retryIf, and takes one that throws for a yes', () => {
    const policy = new RetryPolicy({ retryIf: (error) => error.message !== 'hopeless' })
    expect(policy.next(new Error('hopeless'), 0)).toBeUndefined()
    expect(policy.next(new Error('bad luck'), 0)).toBe(60_000)
    const broken = new RetryPolicy({
      retryIf: () => {
        throw new Error('a bug in the rule')
      },
    })
    expect(broken.next(new Error('x'), 0)).toBe(60_000)
  })

  it.each([
    [{ maxRetries: -1 }, 'maxRetries'],
    [{ maxRetries: 1.5 }, 'maxRetries'],
    [{ baseDelay: Number.NaN }, 'baseDelay'],
    [{ baseDelay: '10 parsecs' }, 'baseDelay'],
    [{ backoffFactor: 0.5 }, 'backoffFactor'],
    [{ jitter: 'ful' }, "did you mean 'full'"],
    [{ maxRetrys: 2 }, 'did you mean "maxRetries"'],
    [{ retryIf: true }, 'retryIf'],
  ])('refuses %j', (given, names) => {
    expect(() => new RetryPolicy(given as never)).toThrow(InvalidOptionError)
    expect(() => new RetryPolicy(given as never)).toThrow(names)
  })
})
