/** Were a decision wrong, a worker would stay down in silence, or be started in a hot loop. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidOptionError, MillhandError } from '../../../src/core/errors.ts'
import {
  decide,
  NO_RESTARTS,
  type Decision,
  type RestartHistory,
  type RestartPolicy,
  type RestartRules,
} from '../../../src/server/restart-policy.ts'

const rules: RestartRules = {
  intensity: 3,
  periodMs: 1000,
  backoffMs: 100,
  maxBackoffMs: 5000,
  healthyMs: 500,
}
const failure = new Error('broke')
const end = (change: { error?: Error | undefined; upMs?: number; atMs?: number } = {}) => ({
  ...{ error: failure, upMs: 10, atMs: 0 },
  ...change,
})

describe('whether a worker that has ended is started again', () => {
  test.each<[RestartPolicy, 'failed' | 'in peace', Decision['action']]>([
    ['permanent', 'failed', 'restart'],
    ['permanent', 'in peace', 'restart'],
    ['transient', 'failed', 'restart'],
    ['transient', 'in peace', 'leave'],
    ['temporary', 'failed', 'leave'],
    ['temporary', 'in peace', 'leave'],
  ])('%s, %s: %s', (policy, how, action) => {
    const error = how === 'failed' ? failure : undefined
    expect(decide(policy, end({ error }), NO_RESTARTS, rules).action).toBe(action)
  })

  test.each([
    new InvalidOptionError('root', 'expected root'),
    new MillhandError('MODULE_LOAD', 'no such export'),
    new MillhandError('UNSUPPORTED', 'cannot do that'),
    new MillhandError('BROKER_REFUSED', 'bad user name or password'),
  ])('a start that fails with %o is not tried again: the program itself is wrong', (error) => {
    const decision = decide('permanent', end({ error, upMs: 0 }), NO_RESTARTS, rules)
    expect(decision).toEqual({ action: 'give-up', reason: 'cannot start for a reason that stays' })
  })

  test('what another has taken over is not taken back, however long it was ours', () => {
    const error = new MillhandError('CLIENT_TAKEN_OVER', 'session taken over')
    const decision = decide('permanent', end({ error, upMs: 60_000 }), NO_RESTARTS, rules)
    expect(decision.action).toBe('give-up')
  })

  test('the same error in the life of a worker that was up is one like any other', () => {
    const error = new InvalidOptionError('timeout', 'expected timeout')
    expect(decide('transient', end({ error, upMs: 1 }), NO_RESTARTS, rules).action).toBe('restart')
  })

  test('is given up after so many restarts within the period, and says how many', () => {
    const history: RestartHistory = { times: [100, 200, 300], streak: 3 }
    expect(decide('permanent', end({ atMs: 900 }), history, rules)).toEqual({
      action: 'give-up',
      reason: 'failed again after 3 restarts within 1s',
    })
    expect(decide('permanent', end({ error: undefined, atMs: 900 }), history, rules)).toEqual({
      action: 'give-up',
      reason: 'has ended again after 3 restarts within 1s',
    })
    // The first of them is over a second ago.
    expect(decide('permanent', end({ atMs: 1100 }), history, rules).action).toBe('restart')
  })

  test('with intensity 0 a failure is final', () => {
    const never = { ...rules, intensity: 0 }
    expect(decide('permanent', end(), NO_RESTARTS, never)).toEqual({ action: 'give-up', reason: 'failed' })
  })
})

describe('the wait before a restart', () => {
  test('doubles with each failure of a streak, up to the longest', () => {
    const often = { ...rules, intensity: 100, healthyMs: 60_000 }
    let history = NO_RESTARTS
    const delays: number[] = []
    for (let i = 0; i < 8; i++) {
      const decision = decide('permanent', end({ atMs: i }), history, often, 1)
      if (decision.action !== 'restart') throw new Error(decision.action)
      history = decision.history
      delays.push(decision.delayMs)
    }
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000])
  })

  test('is short again after a life of the healthy time', () => {
    const history: RestartHistory = { times: [], streak: 4 }
    expect(decide('permanent', end({ upMs: 499 }), history, rules, 1)).toMatchObject({ delayMs: 1600 })
    expect(decide('permanent', end({ upMs: 500 }), history, rules, 1)).toMatchObject({
      delayMs: 100,
      history: { streak: 1 },
    })
  })

  test('is at least half and at most the whole of its step, whatever is drawn', () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(10_000),
        fc.nat(100_000),
        (streak, random, backoffMs, maxBackoffMs) => {
          const given = { ...rules, backoffMs, maxBackoffMs }
          const decision = decide('permanent', end(), { times: [], streak }, given, random)
          if (decision.action !== 'restart') return false
          const full = Math.min(backoffMs * 2 ** streak, maxBackoffMs)
          return decision.delayMs >= full / 2 && decision.delayMs <= full
        },
      ),
    )
  })
})

test('no worker is ever started again more often than the intensity within one period', () => {
  const gaps = fc.array(fc.nat(400), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(gaps, fc.nat(5), (steps, intensity) => {
      const given = { ...rules, intensity }
      const restarts: number[] = []
      let history = NO_RESTARTS
      let atMs = 0
      for (const step of steps) {
        atMs += step
        const decision = decide('permanent', end({ atMs }), history, given)
        if (decision.action !== 'restart') continue
        history = decision.history
        restarts.push(atMs)
        expect(history.times.length).toBeLessThanOrEqual(intensity)
      }
      return restarts.every((at) => restarts.filter((t) => t >= at && t < at + 1000).length <= intensity)
    }),
  )
})
