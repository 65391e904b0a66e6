import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../src/core/clock.ts'
import type { Outcome } from '../../../src/topic/delivery.ts'
import { rateLimit, type RateLimitOptions } from '../../../src/topic/middleware/rate-limit.ts'
import { decide, type RateRule, type RateState } from '../../../src/topic/middleware/rate-rule.ts'
import { memoryRates } from '../../../src/topic/middleware/rate-store.ts'
import { sqliteRates } from '../../../src/topic/middleware/sqlite-rates.ts'
import { Router } from '../../../src/topic/router.ts'
import { deliveryOf, messageOf } from './messages.ts'

const rules = fc.record({
  algorithm: fc.constantFrom<RateRule['algorithm']>('sliding', 'fixed', 'token-bucket'),
  limit: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.integer({ min: 1, max: 1000 }),
})

/** When messages passed that came after these pauses. */
function passing(rule: RateRule, pauses: readonly number[]): number[] {
  let state: RateState | undefined
  let now = 12_345
  return pauses.flatMap((pause) => {
    now += pause
    const decision = decide(rule, state, now)
    state = decision.state
    return decision.waitMs === 0 ? [now] : []
  })
}

describe('a rate', () => {
  it('lets the limit pass at once, and no more in a window of its own', () => {
    fc.assert(
      fc.property(rules, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 100 }), (rule, pauses) => {
        expect(
          passing(
            rule,
            Array.from({ length: 50 }, () => 0),
          ),
        ).toHaveLength(rule.limit)
        const times = passing(rule, pauses)
        const most = rule.algorithm === 'fixed' ? rule.limit : 2 * rule.limit
        const windowOf = (time: number): number => Math.floor(time / rule.windowMs)
        for (const time of times) {
          const same = times.filter((other) => windowOf(other) === windowOf(time))
          expect(same.length).toBeLessThanOrEqual(most)
        }
      }),
    )
  })

  it('says after how long one more may pass: then it does, and not much sooner', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 }),
        (rule, pauses) => {
          let state: RateState | undefined
          let now = 99_999
          for (const pause of pauses) {
            now += pause
            const { waitMs, state: next } = decide(rule, state, now)
            state = next
            expect(waitMs).toBeLessThanOrEqual(2 * rule.windowMs)
            if (waitMs === 0) continue
            expect(decide(rule, state, now + waitMs + 1e-6).waitMs).toBeLessThan(1e-3)
            if (waitMs > 2) expect(decide(rule, state, now + waitMs - 1).waitMs).toBeGreaterThan(0)
          }
        },
      ),
    )
  })

  it('slides: what passed at the end of a window counts in the next one', () => {
    const pauses = [
      ...Array.from({ length: 10 }, () => 0),
      1000 - 345 + 100,
      ...Array.from({ length: 10 }, () => 0),
    ]
    const passed = (algorithm: RateRule['algorithm']) =>
      passing({ algorithm, limit: 10, windowMs: 1000 }, pauses).length
    expect([passed('fixed'), passed('sliding'), passed('token-bucket')]).toEqual([20, 11, 17])
  })

  it('does not open because the clock went back', () => {
    const rule: RateRule = { algorithm: 'fixed', limit: 1, windowMs: 1000 }
    const { state } = decide(rule, undefined, 50_000)
    expect(decide(rule, state, 10_000).waitMs).toBeGreaterThan(0)
    const bucket: RateRule = { ...rule, algorithm: 'token-bucket' }
    expect(decide(bucket, decide(bucket, undefined, 50_000).state, 10_000).waitMs).toBe(1000)
  })
})

describe('rateLimit', () => {
  const limited = (options: RateLimitOptions) => {
    const handled: string[] = []
    const limit = rateLimit(options)
    const dispatcher = new Router()
      .on('{device}', ({ topic }) => void handled.push(topic))
      .use(limit)
      .dispatcher()
    const delivery = deliveryOf()
    const send = (topic: string) => dispatcher.dispatch(messageOf(topic), delivery)
    return { handled, limit, send, delivery }
  }

  it('refuses what is above 100 in 60 s of a topic, for the dead letters', () => {
    const clock = new FakeClock()
    const { send, limit, handled } = limited({ store: memoryRates({ clock }), algorithm: 'fixed' })
    const outcomes = Array.from({ length: 101 }, () => send('a') as Outcome)
    expect(outcomes[99]).toEqual({ kind: 'handled' })
    expect(outcomes[100]).toMatchObject({ kind: 'failed', error: { code: 'NON_RETRYABLE' } })
    expect((outcomes[100] as { error: Error }).error.message).toMatch(
      /^expected at most 100 messages of "a" in 60000 ms; one may pass in \d+ ms$/,
    )
    expect(send('b')).toEqual({ kind: 'handled' })
    clock.advance(60_000)
    expect(send('a')).toEqual({ kind: 'handled' })
    expect(limit.stats).toEqual({ passed: 102, refused: 1, dropped: 0, delayed: 0 })
    expect(handled).toHaveLength(102)
  })

  it('drops and counts, by a key, past those that are allowed', () => {
    const { send, limit, handled } = limited({
      limit: 1,
      over: 'drop',
      key: ({ topic }) => topic[0]!,
      allow: ['x'],
    })
    for (const topic of ['a1', 'a2', 'b1', 'x1', 'x2']) expect(send(topic)).toEqual({ kind: 'handled' })
    expect(handled).toEqual(['a1', 'b1', 'x1', 'x2'])
    expect(limit.stats).toEqual({ passed: 4, refused: 0, dropped: 1, delayed: 0 })
  })

  it('delays, in order of a key, until there is room', async () => {
    const { send, limit, handled } = limited({
      limit: 1,
      per: 20,
      over: 'delay',
      algorithm: 'token-bucket',
      key: () => 'k',
    })
    expect(send('1')).toEqual({ kind: 'handled' })
    const outcomes = await Promise.all(['2', '3', '4'].map(async (topic) => await send(topic)))
    expect(outcomes).toEqual(Array.from({ length: 3 }, () => ({ kind: 'handled' })))
    expect(handled).toEqual(['1', '2', '3', '4'])
    expect(limit.stats).toMatchObject({ passed: 4, delayed: 3 })
  })

  it('gives up a delay that is aborted, and lets the next one come forward', async () => {
    const { send, delivery, handled } = limited({ limit: 1, per: '1h', over: 'delay' })
    void send('a')
    const waiting = [send('a'), send('a')]
    delivery.abort.abort(new Error('stop'))
    for (const outcome of await Promise.all(waiting.map(async (each) => await each))) {
      expect(outcome).toMatchObject({ kind: 'failed', error: { message: 'stop' } })
    }
    expect(handled).toEqual(['a'])
  })

  it('remembers no more keys than it may', () => {
    const store = memoryRates({ maxKeys: 2 })
    const rule: RateRule = { algorithm: 'token-bucket', limit: 1, windowMs: 3_600_000 }
    const take = (key: string) => store.take(key, rule) === 0
    expect([take('a'), take('b'), take('a'), take('c'), take('a'), take('b')]).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ])
  })

  it('decides in SQLite as in memory', () => {
    const store = sqliteRates(new DatabaseSync(':memory:'))
    for (const algorithm of ['sliding', 'fixed', 'token-bucket'] as const) {
      const rule: RateRule = { algorithm, limit: 3, windowMs: 3_600_000 }
      const waits = Array.from({ length: 4 }, () => store.take(algorithm, rule) as number)
      expect(waits.slice(0, 3)).toEqual([0, 0, 0])
      expect(waits[3]).toBeGreaterThan(0)
    }
  })

  it.each([
    [{ limit: 0 }, 'expected limit to be an integer of at least 1'],
    [{ per: 0 }, 'expected per to be a duration of at least 1'],
    [{ algorithm: 'slidng' }, `(did you mean 'sliding'?)`],
    [{ store: {} }, 'expected store to be a store of rates'],
  ])('refuses %j', (options, message) => {
    expect(() => rateLimit(options as object)).toThrow(message)
  })
})
